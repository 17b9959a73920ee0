package executor

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestStop(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		g := newGate(t)
		willing := r.offer(shell("trap 'exit 0' TERM; echo > " + g.path + "; sleep 1000 & wait"))
		g.reached()
		r.Stop(willing, false)
		wantEnd(t, r.end(willing), octaskly.Cancelled, "cancelled")

		stubborn := r.offer(shell("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
		pid := g.reached()
		r.Stop(stubborn, false)
		r.Stop(stubborn, false)
		f := r.end(stubborn)
		wantEnd(t, f, octaskly.Cancelled, "cancelled")
		if alive(t, pid) {
			t.Error("the stubborn command is alive")
		}
		r.Stop(stubborn, false) // is over
		r.Stop(octaskly.AttemptID{Job: 999}, false)
		r.take()
		wantEnd(t, r.run(shell("exit 3")), octaskly.Failed, "exit:3")
	})
}

func TestStopOfAQueuedOne(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	running := r.offer(octaskly.Spec{Argv: []string{"sleep", "1000"}})
	r.begin(running)
	waiting := r.offer(shell("exit 0"))
	r.Stop(waiting, false)
	f := r.end(waiting)
	wantEnd(t, f, octaskly.Cancelled, "cancelled")
	if !f.End.StartedAt.IsZero() || f.End.EndedAt.IsZero() {
		t.Errorf("started at %v, ended at %v", f.End.StartedAt, f.End.EndedAt)
	}
	if !r.Idle() {
		t.Error("it is still in the queue")
	}
	r.Stop(running, true)
	wantEnd(t, r.run(shell("exit 0")), octaskly.Completed, "")
}

func TestDrop(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		cfg.Slots, cfg.Grace = 1, time.Hour
		r := newRig(t, cfg)
		g := newGate(t)
		running := r.offer(shell("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
		pid := g.reached()
		waiting := r.offer(shell("exit 3"))
		r.Stop(waiting, true)
		// A drop overtakes a stop's hour of grace.
		r.Stop(running, false)
		r.Stop(running, true)
		if _, held := r.Held(); len(held) > 0 {
			t.Errorf("held: %+v", held)
		}
		ended := r.run(shell("exit 4")).ID
		if alive(t, pid) {
			t.Error("the dropped command is alive")
		}
		r.Stop(ended, true)
		r.take()
		if len(r.finished) != 1 || len(r.Unacknowledged()) > 0 {
			t.Errorf("reported %+v, held %+v", r.finished, r.Unacknowledged())
		}
		if _, ok := r.Output(ended); ok {
			t.Error("the output of a dropped attempt is there")
		}
	})
}

// TestReoffer wants the same attempt of another generation to run beside what is
// left of the old one, and the old one to vanish.
func TestReoffer(t *testing.T) {
	r := newRig(t, config(t))
	g := newGate(t)
	old := r.attempt(shell("trap '' TERM; echo $$ > " + g.path + "; while :; do sleep 1000; done"))
	ended := r.run(shell("exit 1")).ID
	r.Offer([]*Attempt{old, old})
	pid := g.reached()
	next := *old
	next.Generation, next.Spec = "h", &octaskly.Spec{Argv: []string{"true"}}
	r.Offer([]*Attempt{&next})
	wantEnd(t, r.end(next.ID), octaskly.Completed, "")
	generation, held := r.Held()
	if generation != "h" || len(held) != 1 || held[0].ID != next.ID || held[0].State != octaskly.Completed {
		t.Errorf("held of %q: %+v; want the end of %v alone, not of %v", generation, held, next.ID, ended)
	}
	r.stop()
	if alive(t, pid) {
		t.Error("the old command is alive")
	}
}

func TestSignal(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	g := newGate(t)
	id := r.offer(shell("trap 'echo usr1; exit 0' USR1; echo > " + g.path + "; while :; do sleep 0.01; done"))
	g.reached()
	r.begin(id)
	queued := r.offer(shell("exit 0"))
	for _, tt := range []struct {
		id   octaskly.AttemptID
		n    int
		want error
	}{
		{octaskly.AttemptID{Job: 999}, 10, octaskly.ErrNotFound},
		{queued, 10, octaskly.ErrUnavailable},
		{id, 0, unix.EINVAL},
		{id, -9, unix.EINVAL},
		{id, 65, unix.EINVAL},
		{id, int(unix.SIGUSR1), nil},
	} {
		if err := r.Signal(tt.id, tt.n); !errors.Is(err, tt.want) {
			t.Errorf("signal %d to %v: %v, want %v", tt.n, tt.id, err, tt.want)
		}
	}
	f := r.end(id)
	wantEnd(t, f, octaskly.Completed, "")
	if out, _ := text(t, f.Output); out != "usr1\n" {
		t.Errorf("output %q", out)
	}
	if err := r.Signal(id, 10); !errors.Is(err, octaskly.ErrOver) {
		t.Errorf("signal after the end: %v", err)
	}
	r.end(queued)
}
