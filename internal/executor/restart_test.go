package executor

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// liveAndDie is an executor in a process of its own, which its test kills: two
// attempts have ended, one was released, one runs and one waits.
func liveAndDie(dir string) {
	x, err := New(Config{Slots: 3, Dir: dir, Worker: "dying", Boxes: Boxes{AllowNone: true}, NoCgroup: os.Getenv("TEST_NO_CGROUP") != "", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go x.Run(context.Background())
	offer := func(job octaskly.JobID, script string) octaskly.AttemptID {
		spec := shell(script)
		a := &Attempt{ID: octaskly.AttemptID{Job: job, Number: 2}, Generation: "g", Spec: &spec}
		x.Offer([]*Attempt{a})
		return a.ID
	}
	ends := map[octaskly.AttemptID]bool{}
	end := func(id octaskly.AttemptID) {
		for !ends[id] {
			<-x.Wake()
			_, finished := x.Take()
			for _, f := range finished {
				ends[f.ID] = true
			}
		}
	}
	end(offer(1, "echo small; exit 3"))
	end(offer(2, "head -c 200000 /dev/zero; touch left-in-the-workspace"))
	released := offer(3, "head -c 200000 /dev/zero")
	end(released)
	x.Release([]octaskly.AttemptID{released})
	gate := os.Getenv("TEST_GATE")
	offer(4, "mkfifo f; (setsid sh -c 'sleep 1000 & echo $! > f' &); read x < f; touch dirt; echo $x $$ > "+gate+"; exec sleep 1000")
	offer(5, "head -c 200000 /dev/zero; echo $$ > "+gate+"; exec sleep 1000")
	offer(6, "exec sleep 1000")
	offer(7, "exit 0")
	select {}
}

func TestRestartAfterKill(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_EXECUTOR_DIR="+cfg.Dir)
		if cfg.NoCgroup {
			cmd.Env = append(cmd.Env, "TEST_NO_CGROUP=1")
		}
		g := newGate(t)
		cmd.Env = append(cmd.Env, "TEST_GATE="+g.path)
		check(t, cmd.Start())
		pids := strings.Fields(g.reached())
		pids = append(pids, strings.Fields(g.reached())...)
		check(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		if len(pids) != 3 {
			t.Fatalf("the commands printed %q", pids)
		}
		for _, pid := range pids {
			if !alive(t, pid) {
				t.Fatalf("process %s is dead before the restart", pid)
			}
		}

		r := newRig(t, cfg)
		for _, pid := range pids {
			if alive(t, pid) {
				t.Errorf("process %s is alive", pid)
			}
		}
		ends := r.Unacknowledged()
		slices.SortFunc(ends, func(a, b protocol.Finished) int { return int(a.ID.Job - b.ID.Job) })
		generation, held := r.Held()
		if len(ends) != 2 || len(held) != 2 || generation != "g" {
			t.Fatalf("held of %q: %+v, ends %+v; want jobs 1 and 2", generation, held, ends)
		}
		wantEnd(t, ends[0], octaskly.Failed, "exit:3")
		if out, _ := text(t, r.output(ends[0])); out != "small\n" || ends[0].Output == nil {
			t.Errorf("output %q", out)
		}
		wantEnd(t, ends[1], octaskly.Completed, "")
		if out, _ := text(t, r.output(ends[1])); len(out) != 200_000 {
			t.Errorf("%d bytes of output", len(out))
		}
		files, _ := filepath.Glob(r.path("output/*"))
		dirt, _ := filepath.Glob(r.path("work/*/*"))
		if len(files) != 1 || len(dirt) > 0 {
			t.Errorf("left are %q and %q, want one output", files, dirt)
		}
		wantEnd(t, r.run(shell("exit 4")), octaskly.Failed, "exit:4")
		r.Release([]octaskly.AttemptID{ends[0].ID, ends[1].ID})
		r.stop()

		again := newRig(t, cfg)
		if ends := again.Unacknowledged(); len(ends) != 1 || ends[0].End.Reason != "exit:4" {
			t.Errorf("after the second restart: %+v", ends)
		}
	})
}

// TestLostOutput wants an end to count although its output is gone.
func TestLostOutput(t *testing.T) {
	cfg := config(t)
	r := newRig(t, cfg)
	f := r.run(shell("head -c 200000 /dev/zero"))
	r.stop()
	check(t, os.RemoveAll(filepath.Join(cfg.Dir, "output")))
	r = newRig(t, cfg)
	ends := r.Unacknowledged()
	if len(ends) != 1 || ends[0].ID != f.ID {
		t.Fatalf("held %+v", ends)
	}
	if log, ok := r.Output(f.ID); !ok || log.Size() != 0 {
		t.Errorf("output %v, %v", log, ok)
	}
}
