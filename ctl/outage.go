package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	patience   = 15 * time.Minute // with a dispatcher that is away
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// outage says once that the dispatcher is away, and once that it is back, for
// all who talk to it.
type outage struct {
	note func(format string, args ...any)

	mu    sync.Mutex
	since time.Time // when the dispatcher was first missed; zero: it is there
}

// notice is told of an error that may pass, or of nil when the dispatcher
// answers. It fits client.Options.
func (o *outage) notice(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch known := !o.since.IsZero(); {
	case err != nil && !known:
		o.since = time.Now()
		o.note("the dispatcher is away (%v); waiting for it, what was accepted goes on", brief(err))
	case err == nil && known:
		o.since = time.Time{}
		o.note("the dispatcher is back")
	}
}

// lasts is how long the dispatcher has been away, 0 if it is there.
func (o *outage) lasts() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0
	}
	return time.Since(o.since)
}

// brief is the core of an error that may pass.
func brief(err error) error {
	var gone *client.Unreachable
	switch {
	case errors.As(err, &gone):
		return gone.Err
	case errors.Is(err, client.ErrCut):
		return client.ErrCut
	}
	return err
}

// passing reports whether an error may pass when the dispatcher is back.
func passing(err error) bool {
	return unreachable(err) && !distrusted(err) || errors.Is(err, client.ErrCut)
}

// unreachable reports whether there is no dispatcher to talk to.
func unreachable(err error) bool {
	var gone *client.Unreachable
	return errors.As(err, &gone) || errors.Is(err, octaskly.ErrUnavailable)
}

// persist calls do again for as long as its error may pass, within patience.
func (o *outage) persist(ctx context.Context, do func() error) error {
	var deadline time.Time
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := do()
		if !passing(err) || ctx.Err() != nil {
			if err == nil {
				o.notice(nil)
			}
			return err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(patience)
		} else if time.Now().After(deadline) {
			return err
		}
		o.notice(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
