package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/metrics"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// redial decides when the dispatcher is tried again.
type redial struct {
	lease    atomic.Int64    // of the last welcome, nanoseconds; 0 if there was none
	failures metrics.Counter // sessions that were lost, or did not come about
}

// within has a worker be back while a dispatcher that is there again still waits
// for it, and with time to spare: a try may fail.
func (r *redial) within(lease time.Duration) { r.lease.Store(int64(lease)) }

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
