package auth

import (
	"math"
	"sync"
	"time"
)

// Meter is a token bucket for each key. It keeps the last 10,000 that were asked
// for; who is forgotten begins with a full bucket. It is safe for concurrent use.
type Meter struct {
	rate  float64
	burst int

	mu      sync.Mutex
	buckets *recent[time.Time] // when the bucket will be full
}

// NewMeter returns one whose buckets hold burst and gain rate a second. A rate of
// 0 or less is no bound.
func NewMeter(rate float64, burst int) *Meter {
	return &Meter{rate: rate, burst: burst, buckets: newRecent[time.Time](maxRecent)}
}

// Take takes one out of the key's bucket, or says after how long there will be one.
func (m *Meter) Take(key string, now time.Time) (ok bool, after time.Duration) {
	return m.TakeAt(key, m.rate, m.burst, now)
}

// TakeAt is Take where each key has a rate and a burst of its own, which may change.
func (m *Meter) TakeAt(key string, rate float64, burst int, now time.Time) (ok bool, after time.Duration) {
	if !(rate > 0) { // nor NaN
		return true, 0
	}
	interval, window := pace(rate, burst)

	m.mu.Lock()
	defer m.mu.Unlock()
	full := m.buckets.get(key)
	missing := min(max(full.Sub(now), 0), window) // a clock may have been set back
	next := missing + interval
	if next > window {
		return false, next - window
	}
	*full = now.Add(next)
	return true, 0
}

// pace is how long one takes to come, and how long burst do, which fits a Duration
// whatever somebody has configured.
func pace(rate float64, burst int) (interval, window time.Duration) {
	n := time.Duration(min(max(burst, 1), 1e9))
	longest := float64(math.MaxInt64/4) / float64(n)
	interval = time.Duration(max(1, min(float64(time.Second)/rate, longest)))
	return interval, interval * n
}
