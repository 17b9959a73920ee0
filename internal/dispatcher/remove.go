package dispatcher

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// Roster is what a dispatcher needs of who may join.
type Roster interface {
	// Judge says why the worker of a session is not taken that calls itself so;
	// identity is nil where it has shown the fleet key only. It does not wait.
	Judge(identity *transport.Identity, id octaskly.WorkerID, name string) error
	// Remove keeps a worker out until it is approved again. It calls write with the
	// rows that say so, which have to be on disk when that returns.
	Remove(ctx context.Context, gone octaskly.Removal, write func(*store.Roster) error) error
	// Renew returns a fresh certificate of the same key, which is on record.
	Renew(ctx context.Context, who *transport.Identity) (certificate, authority *x509.Certificate, err error)
}

// RemoveWorker forgets a worker, and gives up for good what that had. Its session ends
// when that is on disk, and it stays out until it is approved again.
func (d *Dispatcher) RemoveWorker(ctx context.Context, who api.Caller, name string) (page *api.Worker, err error) {
	about(who, name)
	gone, err := consult(ctx, d, func(c *core) (octaskly.Removal, error) { return c.meant(name) })
	if err != nil {
		return nil, err
	}
	gone.By, gone.At = who.Name, now()
	write := func(rows *store.Roster) (err error) {
		id := string(gone.Worker)
		page, err = d.manageAs(context.WithoutCancel(ctx), who, name, id, "id "+id, d.removal(who, rows))
		return err
	}
	if d.Roster == nil {
		err = write(&store.Roster{})
	} else {
		err = d.Roster.Remove(ctx, gone, write)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// removal is what the core does of it, with rows of the roster.
func (d *Dispatcher) removal(who api.Caller, rows *store.Roster) func(*core, *worker) error {
	return func(c *core, w *worker) error {
		stays, err := c.staying(w, time.Now())
		if err != nil {
			return err
		}
		c.Log.Info("Worker is removed", "worker", w.Name, "by", who.Name, "tasks", len(w.held))
		c.happenAt(w, octaskly.WorkerRemoved, "by "+who.Name)
		c.expel(w, stays)
		c.batch.roster.Add(rows)
		return nil
	}
}

// meant is the worker that a name is of. One that is connected has to be named by its
// id where others that are not have its name: these are removed more often.
func (c *core) meant(name string) (octaskly.Removal, error) {
	w := c.findWorker(name)
	if w == nil {
		return octaskly.Removal{}, fmt.Errorf("cannot find worker %.64q: %w", name, octaskly.ErrNotFound)
	}
	if others := c.namesakes(w); w.session != nil && string(w.ID) != name && others != "" {
		return octaskly.Removal{}, fmt.Errorf("cannot remove worker %s: it is connected from %s, by the id %s; if another one of that name is meant, type its id: %s: %w",
			w.Name, w.Address, w.ID, others, octaskly.ErrConflict)
	} else if w.session == nil && string(w.ID) != name && strings.Contains(others, ", ") {
		return octaskly.Removal{}, fmt.Errorf("cannot remove worker %s: several have that name; type the id of the one that is meant: %s: %w", w.Name, others, octaskly.ErrConflict)
	}
	return octaskly.Removal{Worker: w.ID, Name: w.Name}, nil
}

// namesakes names, for people, the workers of w's name that are not connected.
func (c *core) namesakes(w *worker) string {
	var ids []string
	for _, other := range c.workers {
		if other.Name == w.Name && other.session == nil {
			ids = append(ids, string(other.ID))
		}
	}
	return strings.Join(ids, ", ")
}

// staying are the tasks that a worker keeps until its lease is over, though its session
// ends: those that must not run twice at the same time. One that is out of touch
// is not removed before, since an operator can wait.
func (c *core) staying(w *worker, at time.Time) (map[*task]bool, error) {
	if w.session == nil {
		return nil, c.checkRemoval(w, at)
	}
	stays := map[*task]bool{}
	for t := range w.held {
		if err := c.readSpec(t.job); err != nil {
			return nil, err
		}
		if t.job.spec.AtMostOne {
			stays[t] = true
		}
	}
	return stays, nil
}

// expel ends a worker's session once the removal is on disk. What must not run twice at the
// same time stays its own until its lease is over, and so long it is known.
func (c *core) expel(w *worker, stays map[*task]bool) {
	if s := w.session; s != nil {
		c.absent(w, false)
		c.batch.after(func(err error) {
			if err == nil {
				s.close()
			}
		})
	}
	if len(stays) == 0 {
		c.removeWorker(w)
		return
	}
	w.expelled = true
	c.giveUp(w, stays)
}

// removeWorker forgets a worker.
func (c *core) removeWorker(w *worker) {
	c.giveUp(w, nil)
	w.leaseEnd = time.Time{}
	delete(c.workers, w.ID)
	c.batch.removed = append(c.batch.removed, w.ID)
	c.refresh()
}

// giveUp has what a worker had run elsewhere, but for what stays.
func (c *core) giveUp(w *worker, stays map[*task]bool) {
	for _, tasks := range []map[*task]struct{}{w.held, w.missed} {
		for t := range tasks {
			if !stays[t] {
				c.lose(t)
			}
		}
	}
}
