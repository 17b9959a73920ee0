package dispatcher

import (
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// checkRemoval refuses to forget a worker that is out of touch and may run what
// no other one may run at the same time. When its lease is over it does not.
func (c *core) checkRemoval(w *worker, at time.Time) error {
	left := w.leaseEnd.Sub(at)
	if left <= 0 || w.Left {
		return nil
	}
	for t := range w.held {
		if err := c.readSpec(t.job); err != nil {
			return err
		}
		if t.job.spec.AtMostOne {
			id := octaskly.TaskID{Job: t.Job, Index: t.Index, Array: t.job.Array}
			return fmt.Errorf("cannot remove worker %s: it may yet run task %v, which must not run twice at the same time; its lease ends in %v: %w",
				w.Name, id, left.Round(time.Second), octaskly.ErrConflict)
		}
	}
	return nil
}
