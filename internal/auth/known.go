package auth

import (
	"sync"
	"time"
)

// Known remembers for a while who has shown something good, the last 10,000 of
// them. It is safe for concurrent use.
type Known struct {
	life time.Duration

	mu    sync.Mutex
	until *recent[time.Time]
}

// NewKnown returns one that forgets after life.
func NewKnown(life time.Duration) *Known {
	return &Known{life: life, until: newRecent[time.Time](maxRecent)}
}

// Has reports whether key was added lately.
func (k *Known) Has(key string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	until := k.until.peek(key)
	return until != nil && now.Before(*until)
}

// Add remembers key from now on.
func (k *Known) Add(key string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.until.get(key) = now.Add(k.life)
}
