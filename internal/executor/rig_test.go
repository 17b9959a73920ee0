package executor

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
)

func TestMain(m *testing.M) {
	if slices.Equal(os.Args, guardWords) {
		must(Guard(os.Stdin))
		os.Exit(0)
	}
	if dir := os.Getenv("TEST_GUARDED_DIR"); dir != "" {
		liveGuarded(dir)
	}
	if dir := os.Getenv("TEST_HANDOVER_DIR"); dir != "" {
		liveAndHandOver(dir)
	}
	if dir := os.Getenv("TEST_EXECUTOR_DIR"); dir != "" {
		liveAndDie(dir)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// rig is an executor that runs until its test is over.
type rig struct {
	t testing.TB
	*Executor
	stop     func() // and wait
	started  map[octaskly.AttemptID]protocol.Started
	finished map[octaskly.AttemptID]protocol.Finished
	job      octaskly.JobID // the latest
}

func config(t testing.TB) Config {
	return Config{Slots: 2, Dir: t.TempDir(), Grace: 100 * time.Millisecond, Worker: "rig", Log: slog.New(slog.DiscardHandler), Boxes: Boxes{AllowNone: true}, Guard: guardWords}
}

func newRig(t testing.TB, cfg Config) *rig {
	t.Helper()
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	r := &rig{t: t, Executor: x, started: map[octaskly.AttemptID]protocol.Started{}, finished: map[octaskly.AttemptID]protocol.Finished{}}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// eachKind runs a test with either kind of containment.
func eachKind(t *testing.T, test func(t *testing.T, cfg Config)) {
	for _, best := range []bool{false, true} {
		name := map[bool]string{false: "cgroup", true: "best effort"}[best]
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.NoCgroup = best
			test(t, cfg)
		})
	}
}

// attempt makes one of a new job.
func (r *rig) attempt(spec octaskly.Spec) *Attempt {
	r.job++
	return &Attempt{ID: octaskly.AttemptID{Job: r.job, Number: 1}, Generation: "g", Spec: &spec}
}

func shell(script string) octaskly.Spec { return octaskly.Spec{Argv: []string{"sh", "-c", script}} }

// offer has a spec run and returns its attempt.
func (r *rig) offer(spec octaskly.Spec) octaskly.AttemptID {
	a := r.attempt(spec)
	r.Offer([]*Attempt{a})
	return a.ID
}

// run has a spec run to its end.
func (r *rig) run(spec octaskly.Spec) protocol.Finished {
	r.t.Helper()
	return r.end(r.offer(spec))
}

// end waits for the end of an attempt.
func (r *rig) end(id octaskly.AttemptID) protocol.Finished {
	r.t.Helper()
	r.await(func() bool { _, ok := r.finished[id]; return ok })
	return r.finished[id]
}

// begin waits for the start of an attempt.
func (r *rig) begin(id octaskly.AttemptID) {
	r.t.Helper()
	r.await(func() bool { _, ok := r.started[id]; return ok })
}

func (r *rig) await(done func() bool) {
	r.t.Helper()
	for !done() {
		select {
		case <-r.Wake():
			r.take()
		case <-time.After(patience): // since the last that happened
			r.t.Fatal("nothing happens")
		}
	}
}

func (r *rig) take() {
	started, finished := r.Take()
	for _, s := range started {
		r.started[s.ID] = s
	}
	for _, f := range finished {
		if _, twice := r.finished[f.ID]; twice {
			r.t.Errorf("attempt %v ended twice", f.ID)
		}
		r.finished[f.ID] = f
	}
}

// text is both streams of a framed output.
func text(t testing.TB, framed []byte) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if _, e := spool.Copy(&out, &err, bytes.NewReader(framed)); e != nil {
		t.Fatal(e)
	}
	return out.String(), err.String()
}

// wantEnd compares the essence of an end.
func wantEnd(t testing.TB, f protocol.Finished, state octaskly.State, reason octaskly.Reason) {
	t.Helper()
	if f.End.State != state || f.End.Reason != reason {
		_, stderr := text(t, f.Output)
		t.Errorf("attempt %v: %v %q (%s), want %v %q; stderr %q", f.ID, f.End.State, f.End.Reason, f.End.Detail, state, reason, stderr)
	}
}

// gate is where a command and its test meet: the command says "echo TEXT > path"
// when it is there, and waits with "read x < door" to be let through.
type gate struct {
	t          testing.TB
	path, door string
	in         *os.File
	lines      *bufio.Reader
	out        *os.File
}

func newGate(t testing.TB) *gate {
	t.Helper()
	dir := t.TempDir()
	g := &gate{t: t, path: filepath.Join(dir, "gate"), door: filepath.Join(dir, "door")}
	g.in, g.out = openFIFO(t, g.path), openFIFO(t, g.door)
	g.lines = bufio.NewReader(g.in)
	return g
}

// openFIFO makes a FIFO and opens both of its ends.
func openFIFO(t testing.TB, path string) *os.File {
	t.Helper()
	check(t, unix.Mkfifo(path, 0o600))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// reached waits for a command and returns its text.
func (g *gate) reached() string {
	g.t.Helper()
	check(g.t, g.in.SetReadDeadline(time.Now().Add(patience)))
	line, err := g.lines.ReadString('\n')
	check(g.t, err)
	return strings.TrimSpace(line)
}

// pass lets a command through the door.
func (g *gate) pass() {
	g.t.Helper()
	_, err := g.out.WriteString("\n")
	check(g.t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// alive reports whether a process, given by the number a shell has printed, runs.
func alive(t testing.TB, pid string) bool {
	t.Helper()
	if pid == "" {
		t.Fatal("no process id was printed")
	}
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	return !strings.Contains(string(stat), ") Z ")
}
