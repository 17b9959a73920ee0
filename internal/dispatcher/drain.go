package dispatcher

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Drain keeps new tasks from a worker. What it has not started it gives back;
// what runs goes on, at most until the deadline.
func (d *Dispatcher) Drain(ctx context.Context, who api.Caller, name string, how api.DrainRequest) (*api.Worker, error) {
	return d.manage(ctx, who, name, drainDetail(how), func(c *core, w *worker) error {
		c.Log.Info("Worker is drained", "worker", w.Name, "by", who.Name, "reason", how.Reason, "tasks", len(w.held))
		c.drainWorker(w, who, how)
		return nil
	})
}

func (c *core) drainWorker(w *worker, who api.Caller, how api.DrainRequest) {
	w.Drain = &octaskly.Drain{By: who.Name, At: now(), Reason: how.Reason}
	if how.Deadline != nil {
		w.Drain.Deadline = w.Drain.At.Add(time.Duration(*how.Deadline))
	}
	w.beginDrain(time.Now())
	c.happenAt(w, octaskly.WorkerDrained, strings.TrimSuffix("by "+who.Name+": "+how.Reason, ": "))
	c.save(w)
	c.refresh()
	c.empty(w, time.Now())
}

// Resume lets a drained worker have tasks again.
func (d *Dispatcher) Resume(ctx context.Context, who api.Caller, name string) (*api.Worker, error) {
	return d.manage(ctx, who, name, "", func(c *core, w *worker) error {
		if w.Drain != nil {
			c.Log.Info("Worker is drained no more", "worker", w.Name, "by", who.Name)
			c.happenAt(w, octaskly.WorkerResumed, "by "+who.Name)
			c.resumeWorker(w)
		}
		return nil
	})
}

func (c *core) resumeWorker(w *worker) {
	w.Drain = nil
	c.save(w)
	c.refresh()
}

// manage lets change change a worker, and tells of it when that is on disk.
func (d *Dispatcher) manage(ctx context.Context, who api.Caller, name, detail string, change func(*core, *worker) error) (*api.Worker, error) {
	return d.manageAs(ctx, who, name, name, detail, change)
}

// manageAs is manage for a worker that the audit log calls otherwise.
func (d *Dispatcher) manageAs(ctx context.Context, who api.Caller, target, name, detail string, change func(*core, *worker) error) (*api.Worker, error) {
	about(who, target)
	act := deed(who, detail)
	page, err := ask(ctx, d, func(c *core, reply func(*api.Worker, error)) {
		w := c.findWorker(name)
		if w == nil {
			reply(nil, fmt.Errorf("cannot find worker %.64q: %w", name, octaskly.ErrNotFound))
			return
		}
		if err := change(c, w); err != nil {
			reply(nil, err)
			return
		}
		c.write(act)
		page := w.describe()
		c.batch.after(func(err error) { reply(&page, err) })
	})
	if err == nil {
		wrote(who, act)
	}
	return page, err
}

// beginDrain takes the time to the deadline from the clock on the wall, once.
func (w *worker) beginDrain(at time.Time) {
	w.drainEnd, w.emptied = time.Time{}, time.Time{}
	if w.Drain != nil && !w.Drain.Deadline.IsZero() {
		w.drainEnd = at.Add(w.Drain.Deadline.Sub(at))
	}
}

// drainedBy tells people why what ran there was stopped; "" if it was not drained.
func (w *worker) drainedBy() string {
	if w.Drain == nil {
		return ""
	}
	text := "its worker was drained by " + w.Drain.By
	if w.Drain.Reason != "" {
		text += ": " + w.Drain.Reason
	}
	return text
}

// expired reports whether a drained worker has to stop what still runs.
func (w *worker) expired(at time.Time) bool {
	return w.Drain != nil && !w.drainEnd.IsZero() && !at.Before(w.drainEnd)
}

// emptyPause is how often a drained worker is asked for what it should not have:
// what waits there for its input cannot be given back, or stopped, before that
// has come.
const emptyPause = time.Second

// empty has a drained worker give back what it has not started and, once its
// deadline has passed, stop all.
func (c *core) empty(w *worker, at time.Time) {
	if w.Drain == nil || w.session == nil || len(w.held) == 0 {
		return
	}
	expired := w.expired(at)
	if at.Before(w.emptied.Add(emptyPause)) && !(expired && w.emptied.Before(w.drainEnd)) {
		return
	}
	if expired && w.emptied.Before(w.drainEnd) {
		c.Log.Info("The deadline of a drained worker has passed; what runs there is stopped, and runs elsewhere", "worker", w.Name, "tasks", len(w.held))
	}
	w.emptied = at
	for t := range w.held {
		switch {
		case expired:
			c.stop(t)
		case t.State == octaskly.Assigned:
			frame := c.frame(w)
			frame.Recall = append(frame.Recall, t.Current())
		}
	}
}
