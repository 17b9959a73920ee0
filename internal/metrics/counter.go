package metrics

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Counter counts what happens. Its zero value is ready.
type Counter struct{ n atomic.Int64 }

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add adds n, which is never negative.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Value is how much has happened.
func (c *Counter) Value() int64 { return c.n.Load() }

// Histogram counts values by how large they are.
type Histogram struct {
	bounds []float64 // of the buckets, ascending; one more has no bound

	mu     sync.Mutex
	counts []int64 // of each bucket alone
	sum    float64
}

// NewHistogram makes one with a bucket up to each of the bounds, and one past them.
func NewHistogram(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]int64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(value float64) {
	at, _ := slices.BinarySearch(h.bounds, value)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[at]++
	h.sum += value
}

// Last counts a length of time, in seconds. One that a clock made negative is none.
func (h *Histogram) Last(d time.Duration) { h.Observe(max(0, d).Seconds()) }

// look is all of it at one moment, with each bucket including those below it.
func (h *Histogram) look() (upTo []int64, sum float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	upTo = slices.Clone(h.counts)
	for i := range upTo[1:] {
		upTo[i+1] += upTo[i]
	}
	return upTo, h.sum
}
