package worker

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/protocol"
)

// A dispatcher that is away is tried again at growing intervals, which end up
// as long as its lease allows.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		lease, least, most time.Duration // of the last interval
	}{
		{0, 5 * time.Second, 15 * time.Second},
		{time.Hour, 5 * time.Second, 15 * time.Second},
		{4 * time.Second, 500 * time.Millisecond, 1500 * time.Millisecond},
		{time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond},
	} {
		t.Run(c.lease.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var r redial
				r.heed(&protocol.Welcome{Lease: c.lease})
				var last, gap time.Duration
				began, tries := time.Now(), 0
				r.keep(ctx, slog.New(slog.DiscardHandler), func(string) {}, func() error {
					gap, last = time.Since(began)-last, time.Since(began)
					if tries == 0 && gap != 0 || tries == 1 && gap > 150*time.Millisecond {
						t.Errorf("try %d comes after %v", tries, gap)
					}
					if tries++; tries == 20 {
						cancel()
					}
					return errors.New("refused")
				})
				if gap < c.least || gap > c.most {
					t.Errorf("with a lease of %v, the last interval is %v, want %v to %v", c.lease, gap, c.least, c.most)
				}
			})
		})
	}
}

// Workers of a large fleet do not come back all at once.
func TestRedialOfMany(t *testing.T) {
	for _, c := range []struct {
		workers     int
		lease       time.Duration
		least, most time.Duration // before the second try
	}{
		{0, time.Minute, 50 * time.Millisecond, 150 * time.Millisecond},
		{10, time.Minute, 50 * time.Millisecond, 150 * time.Millisecond},
		{1000, time.Minute, time.Second, 3 * time.Second},
		{1000, 4 * time.Second, 500 * time.Millisecond, 1500 * time.Millisecond},
		{1_000_000, time.Hour, 5 * time.Second, 15 * time.Second},
		{-1, time.Minute, 50 * time.Millisecond, 150 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var r redial
			var lost time.Time
			r.keep(ctx, slog.New(slog.DiscardHandler), func(string) {}, func() error {
				if !lost.IsZero() {
					if gap := time.Since(lost); gap < c.least || gap > c.most {
						t.Errorf("of %d workers with a lease of %v, one comes back after %v, want %v to %v", c.workers, c.lease, gap, c.least, c.most)
					}
					cancel()
				}
				r.heed(&protocol.Welcome{Workers: c.workers, Lease: c.lease})
				lost = time.Now()
				return errors.New("lost")
			})
		})
	}
}
