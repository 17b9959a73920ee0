package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A million elements are one row and some ranges.
func TestMillion(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	submit(t, c, "--", "true") // memory that any first submit takes
	before := rss(t, c.Dispatcher.PID())
	id := submit(t, c, "--array", "0-999999", "--", "true")
	if grown := rss(t, c.Dispatcher.PID()) - before; grown > 4<<20 {
		t.Errorf("a million elements take %d KiB of memory", grown>>10)
	}
	if d := show(t, c, id); d.Tasks != 1_000_000 || d.Counts["queued"] != 1_000_000 || d.Queued != "0-999999" {
		t.Errorf("%+v", d)
	}
	must(t, c, "cancel", id+".5-999997")
	d := show(t, c, id)
	if d.Counts["cancelled"] != 999_993 || d.Queued != "0-4,999998-999999" || d.Dropped != "5-999997" {
		t.Errorf("after the cancel: %+v", d)
	}
	if d := show(t, c, id+".77"); d.State != octaskly.Cancelled {
		t.Errorf("element 77 is %v", d.State)
	}
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if again := show(t, c, id); again.Queued != d.Queued || again.Dropped != d.Dropped {
		t.Errorf("after a restart: %+v", again)
	}
	start(t, c.Worker("w1"))
	if r := c.Ctl(timeout(t), "wait", id); r.Code != 1 {
		t.Errorf("wait: %+v", r)
	}
	if d := show(t, c, id); d.Counts["completed"] != 7 || d.State != octaskly.Cancelled {
		t.Errorf("at the end: %+v", d)
	}
	must(t, c, "retry", id+".5-6")
	if r := c.Ctl(timeout(t), "wait", id); r.Code != 1 {
		t.Errorf("wait: %+v", r)
	}
	if d := show(t, c, id); d.Counts["completed"] != 9 || d.Dropped != "7-999997" {
		t.Errorf("after the retry: %+v", d)
	}
}

// rss is the resident memory of a process in bytes.
func rss(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + itoa(pid) + "/statm")
	check(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	check(t, err)
	return pages * int64(os.Getpagesize())
}

// Every element gets its own environment, and what it prints comes back in
// order.
func TestElements(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	r := c.Ctl(timeout(t), "run", "--array", "1-9:4", "--shell", `echo $OCTASKLY_TASK_ID $OCTASKLY_JOB_ID $OCTASKLY_ARRAY_INDEX $OCTASKLY_ATTEMPT $OCTASKLY_WORKER`)
	expect(t, r, 0, "1.1 1 1 1 w1\n1.5 1 5 1 w1\n1.9 1 9 1 w1\n", "")
}

// No more of an array run at the same time than it may.
func TestAtOnce(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	dir, met := t.TempDir(), t.TempDir()
	// Each element makes a file while it runs and counts those that are there. The first
	// two wait for each other.
	script := `cd ` + dir + `; : > $OCTASKLY_ARRAY_INDEX; : > ` + met + `/$OCTASKLY_ARRAY_INDEX
		[ $OCTASKLY_ARRAY_INDEX -ge 2 ] || until [ -e ` + met + `/0 -a -e ` + met + `/1 ]; do sleep 0.02; done
		ls | wc -l; sleep 0.05; rm $OCTASKLY_ARRAY_INDEX`
	r := c.Ctl(timeout(t), "run", "--array", "0-19%2", "--shell", script)
	most := 0
	for _, line := range strings.Fields(r.Stdout) {
		n, _ := strconv.Atoi(line)
		most = max(most, n)
	}
	if r.Code != 0 || most != 2 {
		t.Errorf("%d ran at the same time: %+v", most, r)
	}
}

// Both workers get their share.
func TestFairShares(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	start(t, c.Worker("w2"))
	open := filepath.Join(t.TempDir(), "open")
	shared(t, c, submit(t, c, "--array", "0-7", "--shell", tellWorkerWhen(open)), open)
}

// tellWorkerWhen says where it runs when a file is there.
func tellWorkerWhen(open string) string {
	return "until [ -e '" + open + "' ]; do sleep 0.02; done; echo $OCTASKLY_WORKER"
}

// shared wants four tasks of a job on each of two workers, and lets them end.
func shared(t *testing.T, c *cluster.Cluster, id, open string) {
	t.Helper()
	awaitTask(t, c, id, func(d api.Detail) bool { return d.Counts["running"] == 8 })
	check(t, os.WriteFile(open, nil, 0o600))
	must(t, c, "wait", id)
	out := must(t, c, "logs", id)
	if w1, w2 := strings.Count(out, "w1\n"), strings.Count(out, "w2\n"); w1 != 4 || w2 != 4 {
		t.Errorf("w1 ran %d, w2 ran %d: %q", w1, w2, out)
	}
}

// Long tasks do not queue behind one worker while another is idle, although
// many short ones came before them.
func TestLongTasksSpread(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--array", "0-499", "--", "true")
	open := filepath.Join(t.TempDir(), "open")
	long := submit(t, c, "--array", "0-7", "--shell", tellWorkerWhen(open))
	start(t, c.Worker("w2"))
	shared(t, c, long, open)
}

// A run ends when its array has been cancelled, whatever it was waiting for.
func TestRunOfCancelledArray(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	cmd := c.Command(timeout(t), "run", "--array", "0-29%1", "--shell", g.command("exit")[3])
	check(t, cmd.Start())
	g.await(t)
	must(t, c, "cancel", "last")
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

// show says what a task waits for, and which elements have failed.
func TestShowExplains(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	plain, large := submit(t, c, "--", "true"), submit(t, c, "--cpus", "1000", "--", "true")
	if d := show(t, c, plain); d.Waits != "no worker is connected" {
		t.Errorf("it waits for %q", d.Waits)
	}
	start(t, c.Worker("w1"))
	must(t, c, "wait", plain)
	if d := show(t, c, large); d.Waits != "no connected worker has what it asks for" {
		t.Errorf("it waits for %q", d.Waits)
	}
	id := submit(t, c, "--array", "0-9", "--shell", `exit $((OCTASKLY_ARRAY_INDEX == 7))`)
	expect(t, c.Ctl(timeout(t), "wait", id), 1, "", "")
	if d := show(t, c, id); len(d.Failed) != 1 || d.Failed[0].ID != id+".7" {
		t.Errorf("failed: %+v", d.Failed)
	}
}

// What is not there is not over.
func TestMissingElements(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--array", "0-3", "--", "true")
	must(t, c, "run", "--", "true")
	for _, args := range [][]string{{"cancel", "1.99"}, {"cancel", "2.3"}, {"retry", "1.4-9"}, {"signal", "1.99", "TERM"}} {
		if r := c.Ctl(timeout(t), args...); r.Code != 66 {
			t.Errorf("%v: %+v", args, r)
		}
	}
	must(t, c, "wait", "--timeout", "0", "1", "2")
}

// A key is good for one submission: the same again is the same job, another one
// is refused.
func TestIdempotencyKey(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	first := submit(t, c, "--idempotency-key", "k", "--cpus", "1", "--memory", "1G", "--", "echo", "one")
	if again := submit(t, c, "--idempotency-key", "k", "--cpus", "1", "--memory", "1G", "--", "echo", "one"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	expect(t, c.Ctl(timeout(t), "submit", "--idempotency-key", "k", "--", "echo", "two"), 1, "", "is another")
}

// A cancel that would leave an array in crumbs is refused at once, and harms
// nobody.
func TestCrumbs(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	id := submit(t, c, "--array", "0-59999", "--", "true")
	began := time.Now()
	expect(t, c.Ctl(timeout(t), "cancel", id+".1-59998:3"), 1, "", "name whole spans")
	must(t, c, "cancel", id+".0-2000:3")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if d := show(t, c, id); d.Counts["cancelled"] != 667 || d.Counts["queued"] != 59_333 {
		t.Errorf("%+v", d.Counts)
	}
}
