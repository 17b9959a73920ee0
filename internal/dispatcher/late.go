package dispatcher

import (
	"context"
	"errors"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// finishStray is the end of an attempt that is over here. One that was given up
// as lost keeps it apart, the first time; the worker may forget it in any case.
func (c *core) finishStray(w *worker, f protocol.Finished) {
	if w.late[f.ID] != nil {
		return // its output is on its way
	}
	lost, err := c.lostWith(w, f.ID)
	switch {
	case err != nil:
		c.err = err
	case !lost:
		c.acknowledge(w, f.ID)
	case f.End.Output.Stored > int64(len(f.Output)):
		if w.late == nil {
			w.late = map[octaskly.AttemptID]*ending{}
		}
		w.late[f.ID] = &ending{Finished: f}
		c.fetch(w, f.ID)
	default:
		c.endLate(w, f.ID, f.End, f.Output)
	}
}

// lostWith reports whether an attempt was given up as lost with w, and nothing
// has come of it since.
func (c *core) lostWith(w *worker, id octaskly.AttemptID) (bool, error) {
	if slices.ContainsFunc(c.batch.late, func(a octaskly.Attempt) bool { return a.ID == id }) {
		return false, nil
	}
	for i := range c.batch.attempts {
		if a := &c.batch.attempts[i]; a.ID == id {
			return isLost(a, w), nil
		}
	}
	attempts, err := c.store.Attempts(context.Background(), id.Job, id.Index)
	if err != nil && !errors.Is(err, octaskly.ErrNotFound) {
		return false, err
	}
	for i := range attempts {
		if a := &attempts[i]; a.ID == id {
			return isLost(a, w), nil
		}
	}
	return false, nil
}

func isLost(a *octaskly.Attempt, w *worker) bool {
	return a.Worker == w.ID && a.End.Reason == octaskly.ReasonWorkerLost && a.Late.State == 0
}

// endLate keeps what has come of a lost attempt.
func (c *core) endLate(w *worker, id octaskly.AttemptID, end octaskly.End, inline []byte) {
	delete(w.late, id)
	c.outputs.end(id, inline, end.Output.Stored > int64(len(inline)))
	c.batch.late = append(c.batch.late, octaskly.Attempt{ID: id, Worker: w.ID, End: end, Inline: inline})
	c.happenLate(w, id, &end)
	c.acknowledge(w, id)
	c.linger()
	c.Log.Info("Worker had gone on with what was lost; its result is kept apart", "worker", w.Name, "attempt", id.String(), "state", end.State.String())
}

// forgetLate drops what has come of late output: in its next session a worker
// begins anew.
func (c *core) forgetLate(w *worker) {
	for id := range w.late {
		c.outputs.end(id, nil, false)
	}
	w.late = nil
}
