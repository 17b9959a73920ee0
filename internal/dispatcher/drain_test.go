package dispatcher

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (l *live) drain(name string) *api.Worker {
	l.t.Helper()
	w, err := l.d.Drain(l.t.Context(), api.Caller{Name: "me"}, name, api.DrainRequest{Reason: "disk"})
	l.check(err)
	return w
}

func TestDrained(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	h := l.join("w", levelNone)
	if w := l.drain("w"); w.State != "connected" || w.Drain.By != "me" || w.Drain.Reason != "disk" || w.Drain.Deadline != nil {
		t.Errorf("%+v", w)
	}
	task, err := l.submit(func(*api.Submission) {})
	l.check(err)
	waits := func(want string) {
		t.Helper()
		if d := l.show(task); d.State != octaskly.Queued || d.Waits != want {
			t.Errorf("%v, it waits: %s\nwant: %s", d.State, d.Waits, want)
		}
	}
	const drained = "no worker could run it but drained ones: w; octasklyctl worker resume NAME lets them"
	waits(drained)
	poor := l.join("poor", octaskly.LimitMemory)
	waits(drained)
	l.drain("poor")
	h.leave(false)
	waits("no worker is connected but drained ones")
	poor.leave(false)
	waits("no worker is connected")
	c, err := l.d.load(context.Background())
	l.check(err)
	if w := c.workers[workerID("w")]; w.Drain == nil || w.Drain.Reason != "disk" {
		t.Errorf("after a restart: %+v", w.Drain)
	}
	h = l.join("w", levelNone) // it stays drained
	waits(drained)
	l.inCore(func(c *core) {
		if c.hungry(h.s.worker) {
			t.Error("a drained worker is hungry")
		}
	})
	for range 2 {
		if w, err := l.d.Resume(t.Context(), api.Caller{Name: "me"}, "w"); err != nil || w.Drain != nil {
			t.Errorf("%+v, %v", w, err)
		}
	}
	h.end(h.task(), octaskly.End{State: octaskly.Completed})
	for _, change := range []func() error{
		func() error { _, err := l.d.Drain(t.Context(), api.Caller{}, "x", api.DrainRequest{}); return err },
		func() error { _, err := l.d.Resume(t.Context(), api.Caller{}, "x"); return err },
		func() error { _, err := l.d.RemoveWorker(t.Context(), api.Caller{}, "x"); return err },
	} {
		if err := change(); !errors.Is(err, octaskly.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
}

// A worker that is removed and comes back at once is there after a restart.
func TestRemoved(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	h := l.join("w", levelNone)
	remove := func(name string) error {
		_, err := l.d.RemoveWorker(t.Context(), api.Caller{Name: "me"}, name)
		return err
	}
	h.leave(true)
	other := *h.hello()
	other.Worker = workerID("other")
	l.joinAs(&other) // of the same name
	if err := remove("w"); !errors.Is(err, octaskly.ErrConflict) || !strings.Contains(err.Error(), "type its id: "+string(workerID("w"))) {
		t.Errorf("%v", err)
	}
	l.check(remove(string(workerID("w"))))
	known := func() map[octaskly.WorkerID]*worker {
		c, err := l.d.load(context.Background())
		l.check(err)
		return c.workers
	}
	if all := known(); len(all) != 1 || all[workerID("w")] != nil {
		t.Errorf("%v", all)
	}
	third := *h.hello()
	third.Worker, third.Name = workerID("third"), "third"
	h = l.joinAs(&third)
	h.leave(false)
	l.inCore(func(c *core) {
		c.removeWorker(h.s.worker)
		third.Generation = c.store.Generation()
		c.join(&session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}, &third)
	})
	if all := known(); all[workerID("third")] == nil {
		t.Error("it has gone")
	}
}
