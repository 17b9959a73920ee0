package test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// shortLease makes a dispatcher call silent workers lost soon.
var shortLease = cluster.Options{DispatcherFlags: []string{"--limits-lease", "300ms"}}

// remote starts a dispatcher, and a worker w1 behind a link that can be cut.
func remote(t *testing.T, o cluster.Options) (*cluster.Cluster, *cluster.Proxy) {
	t.Helper()
	c := cluster.Open(t, o)
	start(t, c.Dispatcher)
	link, err := c.Proxy("w1")
	check(t, err)
	start(t, c.Worker("w1"))
	return c, link
}

// relayed is a command each attempt of which says where it is, and goes on when
// told to.
type relayed struct{ begun, opens, ran string }

func newRelayed(t *testing.T) *relayed {
	dir := t.TempDir()
	r := &relayed{begun: filepath.Join(dir, "begun"), opens: filepath.Join(dir, "open"), ran: filepath.Join(dir, "ran")}
	for _, path := range []string{r.begun, r.opens + "1", r.opens + "2"} {
		mkfifo(t, path)
	}
	return r
}

// command prints more when it has gone on, and exits with the attempt's number.
func (r *relayed) command(more string) []string {
	return []string{"--", "sh", "-c", fmt.Sprintf("echo $OCTASKLY_ATTEMPT >> %s; echo begun > %s; read x < %s$OCTASKLY_ATTEMPT; %s; exit $OCTASKLY_ATTEMPT",
		r.ran, r.begun, r.opens, more)}
}

func (r *relayed) await(t *testing.T) { readFifo(t, r.begun) }

func (r *relayed) pass(t *testing.T, attempt int) { tell(t, fmt.Sprint(r.opens, attempt)) }

// executions are the attempts that have run, one line each.
func (r *relayed) executions(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.ran)
	check(t, err)
	return string(text)
}

// awaitTask returns when what is known of a task is as it should be.
func awaitTask(t *testing.T, c *cluster.Cluster, id string, as func(api.Detail) bool) (d api.Detail) {
	t.Helper()
	awaitSuccess(t, func() bool {
		d = show(t, c, id)
		return as(d)
	})
	return d
}

func missed(d api.Detail) bool {
	return d.State == octaskly.Queued && len(d.Attempts) == 1 && d.Attempts[0].LostAt != nil
}

// A worker that nobody hears goes on with what it runs. Where no other one has
// taken that over, it counts when the worker is back.
func TestCutOffWorkerIsBack(t *testing.T) {
	for _, test := range []struct {
		name    string
		away    func(*cluster.Proxy)
		ended   bool // before it is back
		restart bool // of the dispatcher meanwhile
	}{
		{"running", (*cluster.Proxy).Cut, false, false},
		{"ended", (*cluster.Proxy).Cut, true, false},
		{"running, dispatcher killed", (*cluster.Proxy).Cut, false, true},
		{"ended, dispatcher killed", (*cluster.Proxy).Cut, true, true},
		{"half-open", (*cluster.Proxy).Stall, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, link := remote(t, shortLease)
			r := newRelayed(t)
			id := submit(t, c, r.command("head -c 100000 /dev/zero")...)
			r.await(t)
			awaitRunning(t, c, id)
			test.away(link)
			d := awaitTask(t, c, id, missed)
			if a := d.Attempts[0]; a.State != octaskly.Running || a.Reason != octaskly.ReasonWorkerLost || !strings.Contains(d.Waits, "w1") {
				t.Errorf("it waits %q, attempt %+v", d.Waits, a)
			}
			if test.restart {
				check(t, c.Dispatcher.Kill())
				start(t, c.Dispatcher)
				if d := show(t, c, id); !missed(d) {
					t.Errorf("after a restart: %v, %+v", d.State, d.Attempts)
				}
			}
			if test.ended {
				r.pass(t, 1)
				awaitEnds(t, filepath.Join(c.Dir, "w1", "executor", "ends.log"))
			}
			link.Heal()
			if !test.ended {
				awaitRunning(t, c, id)
				r.pass(t, 1)
			}
			expect(t, c.Ctl(timeout(t), "wait", id), 1, "", "")
			d = show(t, c, id)
			if len(d.Attempts) != 1 || d.Attempts[0].Reason != octaskly.ReasonExit(1) || d.Attempts[0].LostAt != nil || d.Attempts[0].Stdout != 100000 {
				t.Errorf("attempts: %+v", d.Attempts)
			}
			if got := r.executions(t); got != "1\n" {
				t.Errorf("attempts that ran: %q", got)
			}
			if got := must(t, c, "logs", id); len(got) != 100000 {
				t.Errorf("%d bytes of output", len(got))
			}
		})
	}
}

// What another worker has taken over ends there. The result of the first attempt
// changes nothing, and is kept apart with its output.
func TestLateResultIsKeptApart(t *testing.T) {
	for name, more := range map[string]string{"inline": "echo says $OCTASKLY_ATTEMPT", "long": "head -c 10000$OCTASKLY_ATTEMPT /dev/zero"} {
		t.Run(name, func(t *testing.T) {
			c, link := remote(t, shortLease)
			r := newRelayed(t)
			id := submit(t, c, r.command(more)...)
			r.await(t)
			awaitRunning(t, c, id)
			link.Cut()
			awaitTask(t, c, id, missed)
			start(t, c.Worker("w2"))
			r.await(t) // there
			r.pass(t, 1)
			awaitEnds(t, filepath.Join(c.Dir, "w1", "executor", "ends.log"))
			r.pass(t, 2)
			expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
			before := show(t, c, id)
			link.Heal()
			d := awaitTask(t, c, id, func(d api.Detail) bool { return d.Attempts[0].Late != nil })
			if d.State != before.State || d.Reason != before.Reason || !d.EndedAt.Equal(*before.EndedAt) || len(d.Attempts) != 2 {
				t.Errorf("the late result has changed the task: %+v, was %+v", d, before)
			}
			first, second := d.Attempts[0], d.Attempts[1]
			if first.State != octaskly.Failed || first.Reason != octaskly.ReasonWorkerLost || first.Late.State != octaskly.Failed || first.Late.Reason != octaskly.ReasonExit(1) ||
				first.Late.EndedAt.IsZero() || first.Worker != "w1" || second.Worker != "w2" || second.Late != nil || second.Reason != octaskly.ReasonExit(2) {
				t.Errorf("attempts: %+v", d.Attempts)
			}
			want := []string{"says 1\n", "says 2\n"}
			if name == "long" {
				want = []string{strings.Repeat("\x00", 100001), strings.Repeat("\x00", 100002)}
			}
			for i, want := range append(want, want[1]) {
				args := []string{"logs", "--attempt", fmt.Sprint(i + 1), id}
				if i == 2 {
					args = []string{"logs", id}
				}
				if got := must(t, c, args...); got != want {
					t.Errorf("%v: %d bytes, want %d", args, len(got), len(want))
				}
			}
			if got := r.executions(t); got != "1\n2\n" {
				t.Errorf("attempts that ran: %q", got)
			}
			check(t, c.Dispatcher.Kill()) // all that is on disk
			start(t, c.Dispatcher)
			if d := show(t, c, id); d.Attempts[0].Late == nil || d.Reason != octaskly.ReasonExit(2) {
				t.Errorf("after a restart: %+v", d)
			}
		})
	}
}

// What a cut-off worker still runs when another has taken it over is ended when it
// is back.
func TestGivenUpCommandIsKilled(t *testing.T) {
	c, link := remote(t, shortLease)
	r := newRelayed(t)
	mark := fmt.Sprintf("mark%09d", rand.IntN(1e9))
	id := submit(t, c, r.command("true "+mark)...)
	r.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	awaitTask(t, c, id, missed)
	start(t, c.Worker("w2"))
	r.await(t)
	if n := len(alive(t, mark)); n < 2 {
		t.Fatalf("%d commands run", n)
	}
	r.pass(t, 2)
	expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
	link.Heal()
	awaitSuccess(t, func() bool { return len(alive(t, mark)) == 0 })
	if d := show(t, c, id); len(d.Attempts) != 2 || d.Attempts[0].Late != nil {
		t.Errorf("attempts: %+v", d.Attempts)
	}
}

// A task that is cancelled while its worker is lost stays so, and its command ends
// when that is back.
func TestCancelOfMissedTask(t *testing.T) {
	c, link := remote(t, shortLease)
	r := newRelayed(t)
	mark := fmt.Sprintf("mark%09d", rand.IntN(1e9))
	id := submit(t, c, r.command("true "+mark)...)
	r.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	awaitTask(t, c, id, missed)
	must(t, c, "cancel", id)
	if d := show(t, c, id); d.State != octaskly.Cancelled || len(d.Attempts) != 1 || d.Attempts[0].Reason != octaskly.ReasonWorkerLost || d.Attempts[0].LostAt != nil {
		t.Errorf("%v, attempts %+v", d.State, d.Attempts)
	}
	link.Heal()
	awaitSuccess(t, func() bool { return len(alive(t, mark)) == 0 })
	if d := show(t, c, id); d.State != octaskly.Cancelled {
		t.Errorf("it is %v", d.State)
	}
}

// A task that takes down worker after worker fails.
func TestWorkerLostTimes(t *testing.T) {
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-max-losses", "2"}})
	g := newGate(t)
	id := submit(t, c, g.command("echo never")...)
	for range 2 {
		g.await(t)
		awaitRunning(t, c, id)
		check(t, c.Workers[0].Kill())
		start(t, c.Workers[0])
	}
	r := c.Ctl(timeout(t), "wait", id)
	if r.Code != 125 || !strings.Contains(r.Stderr, "worker") {
		t.Errorf("wait: %+v", r)
	}
	d := show(t, c, id)
	if d.State != octaskly.Failed || d.Reason != octaskly.ReasonLostTimes(2) || len(d.Attempts) != 2 {
		t.Errorf("%v, %v, attempts %+v", d.State, d.Reason, d.Attempts)
	}
	for _, a := range d.Attempts {
		if a.Reason != octaskly.ReasonWorkerLost {
			t.Errorf("attempt %+v", a)
		}
	}
	must(t, c, "retry", id) // counts anew
	g.await(t)
	g.pass(t)
	must(t, c, "wait", id)
	if d := show(t, c, id); len(d.Attempts) != 3 {
		t.Errorf("attempts %+v", d.Attempts)
	}
}

// A follower sees an attempt whose worker was lost for a while, each byte once.
func TestFollowAcrossLoss(t *testing.T) {
	c, link := remote(t, shortLease)
	g := newGate(t)
	id := submit(t, c, "--", "sh", "-c", "echo one; "+g.command("echo two; exit 3")[3])
	cmd := c.Command(timeout(t), "logs", "-f", id)
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); line != "one\n" {
		t.Fatalf("%q, %v", line, err)
	}
	g.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	awaitTask(t, c, id, missed)
	link.Heal()
	awaitRunning(t, c, id)
	g.pass(t)
	rest, err := io.ReadAll(lines)
	if string(rest) != "two\n" || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
	cmd.Wait()
}
