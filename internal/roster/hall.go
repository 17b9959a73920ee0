package roster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	maxWaiting = 64
	maxOfHost  = 4
)

// hall is where workers wait for an approval. Nothing of it outlives the process: whoever
// waits asks again.
type hall struct {
	lock      sync.Mutex
	waiting   map[octaskly.WorkerID]*waiter
	approvals map[[sha256.Size]byte]*approval // of keys, while a code is tried
	tries     map[string]*tries               // of names
	pace      pace
}

// waiter is one worker on one connection.
type waiter struct {
	*joining.Pending
	since time.Time
	end   chan error // has room for one: why it waits no longer
}

func newHall() hall {
	return hall{waiting: map[octaskly.WorkerID]*waiter{}, approvals: map[[sha256.Size]byte]*approval{}, tries: map[string]*tries{}}
}

// Enter implements joining.Desk.
func (r *Roster) Enter(_ context.Context, p *joining.Pending) error {
	if err := r.hall.enter(p); err != nil {
		return err
	}
	r.log.Info("Worker waits for an approval", "worker", p.Name, "id", p.ID, "address", p.Address,
		"hint", "octasklyctl worker approve "+p.Name+" CODE, with the code that it shows")
	return nil
}

// Await implements joining.Desk.
func (r *Roster) Await(ctx context.Context, p *joining.Pending) error {
	w := r.hall.waiter(p)
	if w == nil {
		return errReplaced
	}
	defer r.hall.leave(w)
	select {
	case err := <-w.end:
		return err
	case <-ctx.Done():
		return nil
	}
}

var errReplaced = fmt.Errorf("it asks on another connection by now: %w", octaskly.ErrUnavailable)

// enter lets p wait. One that comes again, with the same key, takes the place of its
// former connection, which may have been cut.
func (h *hall) enter(p *joining.Pending) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	host, ofHost := p.Host(), 0
	for _, w := range h.waiting {
		if w.Host() == host && w.ID != p.ID {
			ofHost++
		}
	}
	former := h.waiting[p.ID]
	switch {
	case former != nil && former.KeyHash() != p.KeyHash():
		return fmt.Errorf("another one of the same id waits already, from %s: %w", former.Host(), octaskly.ErrFull)
	case ofHost >= maxOfHost:
		return fmt.Errorf("%d workers of this host wait already: %w", ofHost, octaskly.ErrFull)
	case former == nil && len(h.waiting) >= maxWaiting:
		return fmt.Errorf("%d workers wait already: %w", len(h.waiting), octaskly.ErrFull)
	case !h.pace.enter(host, time.Now()):
		return fmt.Errorf("too many workers of this host, or of all, have come of late: %w", octaskly.ErrFull)
	}
	former.dismiss(errReplaced)
	h.waiting[p.ID] = &waiter{p, clock(), make(chan error, 1)}
	return nil
}

// waiter is p's, unless another connection has taken its place.
func (h *hall) waiter(p *joining.Pending) *waiter {
	h.lock.Lock()
	defer h.lock.Unlock()
	if w := h.waiting[p.ID]; w != nil && w.Pending == p {
		return w
	}
	return nil
}

// dismiss ends the waiting, once. Of nil there is none.
func (w *waiter) dismiss(why error) {
	if w == nil {
		return
	}
	select {
	case w.end <- why:
	default:
	}
}

func (h *hall) leave(w *waiter) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.waiting[w.ID] == w {
		delete(h.waiting, w.ID)
	}
}

// find lists those of an id, or else of a name, or with "" all, the latest first.
func (h *hall) find(name string) (found []*waiter) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if w := h.waiting[octaskly.WorkerID(name)]; w != nil {
		return []*waiter{w}
	}
	for _, w := range h.waiting {
		if name == "" || w.Name == name {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(x, y *waiter) int { return cmp.Or(y.since.Compare(x.since), cmp.Compare(x.ID, y.ID)) })
	return found
}

// end sends a worker away, if it waits.
func (h *hall) end(id octaskly.WorkerID, why error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.waiting[id].dismiss(why)
}
