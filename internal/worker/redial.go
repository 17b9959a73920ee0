package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/protocol"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
	// opening is what a dispatcher is given for each session that is opened anew: it
	// takes about a millisecond of one core.
	opening = 2 * time.Millisecond
)

// redial decides when the dispatcher is tried again.
type redial struct {
	lease    atomic.Int64    // of the last welcome, nanoseconds; 0 if there was none
	workers  atomic.Int64    // of the fleet, likewise
	failures metrics.Counter // sessions that were lost, or did not come about
}

// heed has a worker be back while a dispatcher that is there again still waits for
// it, and with time to spare: a try may fail; but not at once with all the others.
func (r *redial) heed(w *protocol.Welcome) {
	r.lease.Store(int64(w.Lease))
	r.workers.Store(int64(w.Workers))
}

// first is the pause before the second try.
func (r *redial) first() time.Duration {
	return min(max(firstPause, time.Duration(r.workers.Load())*opening), r.longest())
}

// longest pause, before half of it is added or taken away by chance.
func (r *redial) longest() time.Duration {
	if lease := time.Duration(r.lease.Load()); lease > 0 {
		return min(max(lease/4, firstPause), lastPause)
	}
	return lastPause
}

// keep has one session after the other until ctx is done, at growing intervals
// while they fail soon.
func (r *redial) keep(ctx context.Context, log *slog.Logger, status func(string), session func() error) {
	pause := firstPause
	var said string // each reason is logged once, not at every try
	for ctx.Err() == nil {
		began := time.Now()
		err := session()
		if ctx.Err() != nil {
			break
		}
		r.failures.Inc()
		if text := err.Error(); text != said {
			log.Warn("No session with the dispatcher; trying again", "error", err)
			status("no session with the dispatcher: " + text)
			said = text
		}
		if time.Since(began) > lastPause {
			pause, said = firstPause, ""
		}
		pause = max(pause, r.first())
		sleep(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, r.longest())
	}
}

// sleep returns after d, or when ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
