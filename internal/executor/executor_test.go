package executor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func TestEnds(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		for name, tt := range map[string]struct {
			spec   octaskly.Spec
			state  octaskly.State
			reason octaskly.Reason
		}{
			"success":        {shell("exit 0"), octaskly.Completed, ""},
			"exit code":      {shell("exit 3"), octaskly.Failed, "exit:3"},
			"exit code 255":  {shell("exit 255"), octaskly.Failed, "exit:255"},
			"signal":         {shell("kill -9 $$"), octaskly.Failed, "signal:9"},
			"own TERM":       {shell("kill $$"), octaskly.Failed, "signal:15"},
			"in time":        {octaskly.Spec{Argv: []string{"true"}, Timeout: time.Hour}, octaskly.Completed, ""},
			"absolute path":  {octaskly.Spec{Argv: []string{"/bin/false"}}, octaskly.Failed, "exit:1"},
			"no stdin":       {shell("read x && exit 9; exit 4"), octaskly.Failed, "exit:4"},
			"broken pipe":    {shell("yes | head -1; sh -c 'kill -PIPE $$'; test $? = 141"), octaskly.Completed, ""},
			"interruptible":  {shell("sh -c 'kill -INT $$'; test $? = 130"), octaskly.Completed, ""},
			"hangup":         {shell("sh -c 'kill -HUP $$'; test $? = 129"), octaskly.Completed, ""},
			"closed outputs": {shell("exec >&- 2>&-; exit 5"), octaskly.Failed, "exit:5"},
		} {
			t.Run(name, func(t *testing.T) {
				r.t = t
				before := time.Now()
				f := r.run(tt.spec)
				wantEnd(t, f, tt.state, tt.reason)
				if e := f.End; e.StartedAt.Before(before.Add(-time.Second)) || e.EndedAt.Before(e.StartedAt) || e.Leftover {
					t.Errorf("%+v", e)
				}
			})
		}
	})
}

func TestUsage(t *testing.T) {
	r := newRig(t, config(t))
	// What does not exceed our own memory cannot be measured.
	var own unix.Rusage
	check(t, unix.Getrusage(unix.RUSAGE_SELF, &own))
	size := own.Maxrss<<10 + 32<<20
	f := r.run(shell(fmt.Sprintf("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec dd if=/dev/zero of=/dev/null bs=%d count=1", size)))
	wantEnd(t, f, octaskly.Completed, "")
	if f.End.CPUTime < 10*time.Millisecond || f.End.CPUTime > time.Minute {
		t.Errorf("CPU time %v", f.End.CPUTime)
	}
	if f.End.MaxRSS < size || f.End.MaxRSS > size+16<<20 {
		t.Errorf("largest memory %d bytes, want %d and something", f.End.MaxRSS, size)
	}
	if f := r.run(octaskly.Spec{Argv: []string{"true"}}); f.End.MaxRSS >= 10<<20 {
		t.Errorf("true is said to use %d bytes: these are our own", f.End.MaxRSS)
	}
}

func TestTimeout(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		f, timeout := r.timeOut(`trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1000; done`)
		if took := f.End.EndedAt.Sub(f.End.StartedAt); took < timeout+cfg.Grace || took > timeout+patience {
			t.Errorf("it took %v, want the timeout %v and the grace", took, timeout)
		}
		if pid, _ := text(t, f.Output); alive(t, strings.TrimSpace(pid)) {
			t.Error("its child is alive")
		}
		r.stop()

		cfg.Grace, cfg.Dir = patience, t.TempDir()
		f, _ = newRig(t, cfg).timeOut("trap 'echo bye; exit 0' TERM; echo ready; sleep 1000 & wait")
		if out, _ := text(t, f.Output); !strings.HasSuffix(out, "bye\n") {
			t.Errorf("output %q, want bye", out)
		}
	})
}

// timeOut runs a script that prints something once it has set its traps, with longer
// and longer timeouts until one finds it there.
func (r *rig) timeOut(script string) (f protocol.Finished, timeout time.Duration) {
	r.t.Helper()
	spec := shell(script)
	for spec.Timeout = 150 * time.Millisecond; spec.Timeout < patience; spec.Timeout *= 2 {
		f = r.run(spec)
		wantEnd(r.t, f, octaskly.TimedOut, "timeout")
		if out, _ := text(r.t, f.Output); out != "" {
			return f, spec.Timeout
		}
	}
	r.t.Fatal("it never prints anything")
	return f, 0
}

// TestStoppedCommand wants a stopped command to hear of TERM.
func TestStoppedCommand(t *testing.T) {
	cfg := config(t)
	cfg.Grace = time.Hour
	r := newRig(t, cfg)
	spec := shell("kill -STOP $$")
	spec.Timeout = 50 * time.Millisecond
	wantEnd(t, r.run(spec), octaskly.TimedOut, "timeout")
}

func TestLeftovers(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		for name, script := range map[string]string{
			"background":      "sleep 1000 & echo $!",
			"own session":     "mkfifo f; setsid sh -c 'echo $$; echo > f; exec sleep 1000' & read x < f",
			"forked twice":    "mkfifo f; (setsid sh -c 'sleep 1000 & echo $!; echo > f' &); read x < f",
			"closed outputs":  "mkfifo f; (setsid sh -c 'echo $$; exec >&- 2>&-; echo > f; exec sleep 1000' &); read x < f",
			"talks for ever":  "mkfifo f; (setsid sh -c 'echo $$; echo > f; exec yes >&2' &); read x < f",
			"no environment":  "mkfifo f; (env -i setsid sh -c 'echo $$; echo > f; exec /bin/sleep 1000' &); read x < f",
			"no such signals": "mkfifo f; (setsid sh -c 'trap \"\" HUP TERM INT; echo $$; echo > f; while :; do sleep 1000; done' &); read x < f",
		} {
			t.Run(name, func(t *testing.T) {
				r.t = t
				f := r.run(shell(script + "; exit 7"))
				wantEnd(t, f, octaskly.Failed, "exit:7")
				pid, _ := text(t, r.output(f))
				if !f.End.Leftover || alive(t, strings.TrimSpace(pid)) {
					t.Errorf("leftover %v, alive %v", f.End.Leftover, alive(t, strings.TrimSpace(pid)))
				}
			})
		}
	})
}

func TestRunEndsEverything(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cfg.Slots = 3
		r := newRig(t, cfg)
		g := newGate(t)
		done := r.run(shell("exit 3"))
		stubborn := r.offer(shell("trap '' TERM; echo so far; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
		pid := g.reached()
		willing := r.offer(shell("trap 'exit 0' TERM; echo > " + g.path + "; sleep 1000 & wait"))
		g.reached()
		r.begin(willing)
		waiting := r.offer(octaskly.Spec{Argv: []string{"sleep", "1000"}})
		r.begin(waiting)
		queued := r.offer(octaskly.Spec{Argv: []string{"true"}})
		r.stop()
		if alive(t, pid) {
			t.Error("the stubborn command is alive")
		}
		r.take()
		for _, id := range []octaskly.AttemptID{stubborn, willing, waiting} {
			if end := r.finished[id].End; end.State != octaskly.Cancelled || end.Reason != octaskly.ReasonReleased {
				t.Errorf("what ran when the executor was stopped has ended as %+v", end)
			}
		}
		if out, _ := text(t, r.finished[stubborn].Output); out != "so far\n" {
			t.Errorf("of the stubborn command's output there is %q", out)
		}
		if f, ok := r.finished[queued]; ok {
			t.Errorf("what did not run has ended: %+v", f)
		}
		ends := r.Unacknowledged()
		whole := func(f protocol.Finished) bool { return f.ID == done.ID && f.End.State == octaskly.Failed }
		if len(ends) != 4 || !slices.ContainsFunc(ends, whole) {
			t.Errorf("held are %+v, want the end of %v and what was given back", ends, done.ID)
		}
		// All methods stay harmless.
		r.Stop(done.ID, true)
		r.Offer([]*Attempt{r.attempt(shell("exit"))})
		r.Release([]octaskly.AttemptID{done.ID})
		if ids := r.Recall([]octaskly.AttemptID{queued}); len(ids) > 0 {
			t.Errorf("recalled %v", ids)
		}
	})
}

func TestOneExecutorPerDirectory(t *testing.T) {
	cfg := config(t)
	newRig(t, cfg)
	x, err := New(cfg)
	if err == nil {
		t.Fatalf("a second executor: %v", x)
	}
	if !strings.Contains(err.Error(), "another octaskly daemon") {
		t.Error(err)
	}
}

func TestNewFails(t *testing.T) {
	cfg := config(t)
	check(t, os.WriteFile(filepath.Join(cfg.Dir, "output"), nil, 0o600))
	if _, err := New(cfg); err == nil {
		t.Error("no error for a file where a directory should be")
	}
	cfg = config(t)
	cfg.Slots = 0
	if _, err := New(cfg); err == nil {
		t.Error("no error without slots")
	}
}

func TestDirectoryIsLeftClean(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		x, err := New(cfg)
		check(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		check(t, x.Run(ctx))
		for _, pattern := range []string{"running-*", "work/*", "output/*"} {
			if found, _ := filepath.Glob(filepath.Join(cfg.Dir, pattern)); len(found) > 0 {
				t.Errorf("left: %q", found)
			}
		}
	})
}
