package dispatcher

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/store"
)

// chronicle is what a store keeps of events; see package store.
type chronicle interface {
	EventsAfter(ctx context.Context, seq int64) (*store.EventPage, error)
	EventsBefore(ctx context.Context, seq int64) (*store.EventPage, error)
	EventBytes(context.Context) (int64, error)
	OldEvents(ctx context.Context, bytes int64) (upTo int64, err error)
	RemoveEvents(ctx context.Context, upTo int64) (done bool, err error)
}

// happened is the bell for all who read events. They read from the store: how slow
// they are, the core does not know.
type happened struct {
	mu      sync.Mutex
	known   bool          // last is: the queue was loaded
	last    int64         // number of the latest that is on disk
	changed chan struct{} // closed when last changes; nil: nobody waits
}

// ring is called by the core after a commit, and when it is loaded.
func (h *happened) ring(last int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.known = last, true
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// latest waits until the queue was loaded: before, an id that somebody has seen would
// be one that there is not.
func (h *happened) latest(ctx context.Context) (int64, error) {
	for {
		changed := h.since(-1)
		if changed == nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.last, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// since is nil where there is something after a number, else closed when there may
// be.
func (h *happened) since(seq int64) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known && h.last > seq {
		return nil
	}
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// eventPause is the least time between two looks of one reader.
const eventPause = 25 * time.Millisecond

// wait returns when there is something after a number, or when atMost has passed,
// and not sooner than eventPause after the wait before.
func (h *happened) wait(ctx context.Context, seq int64, pause *time.Timer, atMost time.Duration) error {
	select {
	case <-pause.C:
		pause.Reset(eventPause)
	case <-ctx.Done():
		return ctx.Err()
	}
	changed := h.since(seq)
	if changed == nil {
		return nil
	}
	limit := time.NewTimer(atMost)
	defer limit.Stop()
	select {
	case <-changed:
	case <-limit.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

const (
	maxEventBytes = 64 << 20
	eventSize     = 32 // bytes, about
)

// swellEvents notes that there are n more events.
func (k *collector) swellEvents(n int) {
	if told := k.events.Add(int64(n)); told*eventSize > k.maxEvents()/16 {
		k.rouse()
	}
}

func (k *collector) maxEvents() int64 { return cmp.Or(k.Retention.Events, maxEventBytes) }

// dropEvents removes the oldest events until what is left is well within the bound.
func (k *collector) dropEvents(ctx context.Context) error {
	bound := k.maxEvents()
	if k.events.Load()*eventSize <= bound/16 {
		return nil // it was looked not long ago
	}
	k.events.Store(0)
	size, err := k.store.EventBytes(ctx)
	if err != nil || size <= bound {
		return err
	}
	upTo, err := k.store.OldEvents(ctx, size-bound+bound/16)
	for done := false; !done && err == nil; {
		err = k.step(ctx, func() (err error) {
			done, err = k.store.RemoveEvents(ctx, upTo)
			return err
		})
	}
	return err
}
