package dispatcher

import (
	"context"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	maxEventDetail = 256 // bytes
	maxEventPieces = 500 // ranges of one event; of more there are several
)

// happen numbers an event and puts it into the batch.
func (c *core) happen(e octaskly.Event) {
	c.seq++
	e.Seq = c.seq
	c.noteEvent(e)
}

// noteEvent puts an event into the batch that has its number.
func (c *core) noteEvent(e octaskly.Event) {
	e.At, e.Detail = now(), cut(e.Detail, maxEventDetail)
	c.batch.events = append(c.batch.events, e)
}

// tellEvent tells of a transition of t, which was was before.
func (c *core) tellEvent(was *octaskly.Task, t *task) {
	e, ok := octaskly.Tell(was, &t.Task)
	if !ok {
		return
	}
	e.Owner, e.Array = t.job.Owner, t.job.Array
	if w := c.workers[e.Worker]; w != nil {
		e.WorkerName = w.Name
	}
	c.noteEvent(e)
}

// latestEvent is that of t's latest transition, while nothing else has happened; nil
// where there is none.
func (c *core) latestEvent(t *task) *octaskly.Event {
	if n := len(c.batch.events); n > 0 && c.batch.events[n-1].Seq == t.Seq {
		return &c.batch.events[n-1]
	}
	return nil
}

// detailEvent adds to it what the task itself does not say.
func (c *core) detailEvent(t *task, detail string, end *octaskly.End) {
	if e := c.latestEvent(t); e != nil {
		e.Limit, e.Peak = end.Limit, end.Peak
		if e.Detail == "" {
			e.Detail = cut(detail, maxEventDetail)
		}
	}
}

// happenTo tells what has happened to elements of a job together. There may be
// numbers, but no event, where these are none.
func (c *core) happenTo(j *job, elements octaskly.Ranges, e octaskly.Event) {
	e.Job, e.Owner, e.Array = j.ID, j.Owner, j.Array
	for some := range slices.Chunk(elements, maxEventPieces) {
		e.Elements = some
		c.happen(e)
	}
}

// happenAt tells what has happened to a worker.
func (c *core) happenAt(w *worker, kind octaskly.EventKind, detail string) {
	c.happen(octaskly.Event{Kind: kind, Worker: w.ID, WorkerName: w.Name, Detail: detail})
}

// happenLate tells of an end that changes nothing.
func (c *core) happenLate(w *worker, id octaskly.AttemptID, end *octaskly.End) {
	e := octaskly.Event{
		Kind: octaskly.TaskLate, Job: id.Job, Index: id.Index, Attempt: id.Number, Worker: w.ID, WorkerName: w.Name,
		State: end.State, Reason: end.Reason, Detail: end.Detail, Limit: end.Limit, Peak: end.Peak,
	}
	if j := c.jobs[id.Job]; j != nil {
		e.Owner, e.Array = j.Owner, j.Array
	} else if record, err := c.store.Job(context.Background(), id.Job); err == nil {
		e.Owner, e.Array = record.Job.Owner, record.Job.Array
	}
	c.happen(e)
}
