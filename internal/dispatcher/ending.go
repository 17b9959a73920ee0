package dispatcher

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// ending is an end that a worker has reported and whose long output is still on
// its way.
type ending struct {
	protocol.Finished
	tries int
}

// maxFetches is how often output is asked for before the end is taken without
// the rest of it.
const maxFetches = 5

// held finds the task of which w speaks; nil where that attempt is not with w, or
// is so no more. One that was missed is.
func (c *core) held(w *worker, id octaskly.AttemptID) *task {
	j := c.jobs[id.Job]
	if j == nil {
		return nil
	}
	t := j.live[id.Index]
	if t == nil || t.Worker != w.ID || !t.Open(id.Number) {
		return nil
	}
	return t
}

// start is a worker's word that a command executes.
func (c *core) start(w *worker, s protocol.Started) {
	t := c.held(w, s.ID)
	if t == nil {
		return // stale
	}
	if s.At.IsZero() {
		s.At = now()
	}
	if c.move(t, func(t *octaskly.Task) error { return t.Start(s.ID.Number, s.At) }) == nil {
		c.meter.started(t, 0)
		c.linger()
	}
}

// finish is a worker's word that an attempt has ended.
func (c *core) finish(w *worker, f protocol.Finished) {
	t := c.held(w, f.ID)
	switch {
	case t == nil: // known already, or of an attempt given up
		c.finishStray(w, f)
	case f.End.Output.Stored > int64(len(f.Output)):
		t.pending = &ending{Finished: f}
		c.fetch(w, f.ID)
	default:
		c.end(t, f.End, f.Output)
	}
}

// received is the word that an output channel has ended.
func (c *core) received(w *worker, id octaskly.AttemptID) {
	t := c.held(w, id)
	p := w.late[id]
	if t != nil {
		p = t.pending
	}
	if p == nil {
		return
	}
	m, err := c.outputs.get(id)
	if err != nil {
		c.err = err
		return
	}
	missing, err := m.settle(p.End.Output.Stored)
	p.tries++
	if missing > 0 && err == nil && p.tries < maxFetches {
		c.fetch(w, id)
		return
	}
	p.End.Output.Stored -= max(0, missing)
	p.End.Output.Discarded += max(0, missing)
	if err != nil {
		p.End.Detail = fmt.Sprintf("%s (cannot keep all of its output: %v)", p.End.Detail, err)
	}
	if t != nil {
		c.end(t, p.End, nil)
	} else {
		c.endLate(w, id, p.End, nil)
	}
}

// end closes an attempt with all that belongs to it.
func (c *core) end(t *task, end octaskly.End, inline []byte) {
	j, w := t.job, c.workers[t.Worker]
	if c.err = c.readSpec(j); c.err != nil {
		return
	}
	if t.Missed() {
		c.comeBack(t)
	}
	attempt := octaskly.Attempt{ID: t.Current(), Worker: t.Worker, AssignedAt: t.AssignedAt, End: end, Inline: inline}
	unseen := t.State == octaskly.Assigned // its start was not reported
	err := c.move(t, func(t *octaskly.Task) error {
		return t.End(attempt.ID.Number, end, j.spec, rand.Float64(), now())
	})
	if err != nil {
		return // stale: held has looked, so this cannot be
	}
	if t.State == octaskly.Queued && end.State == octaskly.Cancelled {
		attempt.End.Reason = t.Reason // why it was released
		attempt.End.Detail = cmp.Or(end.Detail, w.drainedBy())
	}
	c.detailEvent(t, attempt.End.Detail, &end)
	t.pending = nil
	c.outputs.end(attempt.ID, inline, end.Output.Stored > int64(len(inline)))
	c.record(attempt, t)
	if !end.StartedAt.IsZero() {
		ran := end.EndedAt.Sub(end.StartedAt)
		w.learn(ran)
		c.meter.ran.Last(ran)
		if unseen {
			c.meter.started(t, ran)
		}
	}
	c.acknowledge(w, attempt.ID)
	c.linger()
}

// linger lets the batch wait for others.
func (c *core) linger() { c.batch.linger(time.Now(), c.Linger) }

// acknowledge lets a worker forget an attempt once the next commit is written.
func (c *core) acknowledge(w *worker, id octaskly.AttemptID) {
	if w.session != nil {
		frame := c.frame(w)
		frame.Ack = append(frame.Ack, id)
	}
}

// giveBack is a worker's word that it has not started an attempt and will not.
func (c *core) giveBack(w *worker, id octaskly.AttemptID) {
	if t := c.held(w, id); t != nil {
		_ = c.move(t, func(t *octaskly.Task) error { return t.Recall(id.Number, now()) }) // stale: it has started after all
		c.batch.urgent = true
	}
}

// fetch asks w for an attempt's output from where ours ends. Of a worker that is
// out of touch it is asked when it joins.
func (c *core) fetch(w *worker, id octaskly.AttemptID) *mirror {
	m, err := c.outputs.get(id)
	if err != nil {
		c.err = err
		return nil
	}
	if w.session != nil {
		if from, ok := m.begin(); ok {
			frame := c.frame(w)
			frame.Fetch = append(frame.Fetch, protocol.Fetch{ID: id, From: from})
		}
	}
	return m
}
