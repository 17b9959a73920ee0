package dispatcher

import (
	"fmt"
	"slices"
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

// awaitOthers holds tasks that must run alone for a lease after the store has
// drawn another generation: somewhere the workers of the one before may yet run
// them, and this store may know nothing of it.
func (c *core) awaitOthers(at time.Time) {
	divided := c.store.Divided()
	if divided.IsZero() {
		return
	}
	if left := c.Lease - max(at.Sub(divided), 0); left > 0 {
		c.aloneAt = at.Add(left)
		c.Log.Info("Tasks submitted with --at-most-one wait until the workers of the database before this one have ended theirs", "for", left)
	}
}

// trusted are the features of a worker that count now.
func (c *core) trusted(features []string) []string {
	if c.aloneAt.IsZero() {
		return features
	}
	return slices.DeleteFunc(slices.Clone(features), func(f string) bool { return f == octaskly.AtMostOne })
}
