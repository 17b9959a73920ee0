package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// attend looks after workers at now: whose lease has ended, what drained ones
// still have.
func (c *core) attend(now time.Time) {
	for _, w := range c.workers {
		if w.expelled && w.session == nil && !now.Before(w.leaseEnd) {
			c.removeWorker(w)
			continue
		}
		if gone := w.session == nil && !now.Before(w.leaseEnd); gone && (w.awaited || len(w.held) > 0) {
			w.awaited = false
			c.happenAt(w, octaskly.WorkerLost, "")
			c.Log.Warn("Worker is lost; what it had waits for another, or for its return", "worker", w.Name, "tasks", len(w.held))
			for t := range w.held {
				c.miss(t)
			}
			c.meter.lost.Inc()
		}
		c.empty(w, now)
	}
}

// miss gives up a task's attempt for the time being.
func (c *core) miss(t *task) {
	was, at := t.Task, now()
	err := c.move(t, func(t *octaskly.Task) error { return t.Miss(was.Attempt, c.MaxLosses, at) })
	if err == nil && !t.Missed() {
		c.recordLost(&was, t, at)
	}
	t.pending = nil
}

// lose gives it up for good.
func (c *core) lose(t *task) {
	was, at := t.Task, now()
	err := c.move(t, func(t *octaskly.Task) error { return t.Lose(was.Attempt, c.MaxLosses, at) })
	if err == nil {
		c.recordLost(&was, t, at)
	}
	t.pending = nil
}

// release gives it up on the word of its worker's operator, or because a restored
// store knows nothing of it; why is for people.
func (c *core) release(t *task, why string) {
	was, at := t.Task, now()
	err := c.move(t, func(t *octaskly.Task) error { return t.Release(was.Attempt, octaskly.ReasonReleased, at) })
	if err == nil {
		c.detailEvent(t, why, &octaskly.End{})
		c.recordGivenUp(&was, t, octaskly.End{State: octaskly.Cancelled, Reason: octaskly.ReasonReleased, Detail: why, EndedAt: at})
	}
	t.pending = nil
}

// comeBack goes on with a missed attempt, whose worker has it.
func (c *core) comeBack(t *task) {
	number := t.Attempt
	if c.move(t, func(t *octaskly.Task) error { return t.Return(number) }) == nil {
		c.unwait(t)
		c.queue.Restore(t.job.sched, 1)
		c.workers[t.Worker].sched.Take(c.ask(t.job))
	}
}

// settle follows a transition of a task that was missed before it: was. Where
// that has opened another attempt, or has cancelled the task, nobody can be back
// with it any more.
func (c *core) settle(was *octaskly.Task, t *task) {
	if was.Missed() {
		delete(c.known(was.Worker).missed, t)
		if t.Attempt != was.Attempt || t.State.Terminal() {
			c.recordLost(was, t, was.LostAt)
		}
	}
	if t.Missed() {
		c.known(t.Worker).missed[t] = struct{}{}
	}
}

// recordLost keeps that an attempt went with its worker: was is its task before.
func (c *core) recordLost(was *octaskly.Task, t *task, at time.Time) {
	if was.Missed() {
		at = was.LostAt
	}
	c.recordGivenUp(was, t, octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonWorkerLost, EndedAt: at})
}

func (c *core) recordGivenUp(was *octaskly.Task, t *task, end octaskly.End) {
	end.StartedAt = was.StartedAt
	c.outputs.end(was.Current(), nil, false)
	c.record(octaskly.Attempt{ID: was.Current(), Worker: was.Worker, AssignedAt: was.AssignedAt, End: end}, t)
}
