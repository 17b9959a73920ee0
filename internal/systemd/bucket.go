package systemd

import (
	"sync/atomic"
	"time"
)

// bucket is a token bucket that any number of goroutines take from without a
// lock. It keeps no tokens but the time at which it will be full again (the
// generic cell rate algorithm, ITU-T I.371): each token taken moves that one
// interval into the future.
type bucket struct {
	interval time.Duration // between two tokens
	depth    time.Duration // in which an empty bucket fills up, less one token
	full     atomic.Int64
}

// newBucket makes a full bucket of burst tokens that gets perSecond of them.
func newBucket(burst, perSecond int) *bucket {
	interval := time.Second / time.Duration(perSecond)
	return &bucket{interval: interval, depth: interval * time.Duration(burst-1)}
}

// ready says whether a token is there.
func (b *bucket) ready(now time.Duration) bool {
	return time.Duration(b.full.Load())-now <= b.depth
}

// take takes a token if one is there.
func (b *bucket) take(now time.Duration) bool {
	for {
		full := b.full.Load()
		if time.Duration(full)-now > b.depth {
			return false
		}
		if b.full.CompareAndSwap(full, max(full, int64(now))+int64(b.interval)) {
			return true
		}
	}
}

// tally counts what was not logged, until somebody can be told.
type tally struct {
	count atomic.Int64
	since atomic.Int64
}

func (t *tally) add(n int64, now time.Duration) {
	if t.count.Add(n) == n {
		t.since.Store(int64(now))
	}
}

// claim returns the count and begins again at 0, if there is something older
// than age.
func (t *tally) claim(now, age time.Duration) int64 {
	if t.count.Load() == 0 || now-time.Duration(t.since.Load()) < age {
		return 0
	}
	return t.count.Swap(0)
}
