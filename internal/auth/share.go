package auth

import "sync"

// Share gives out so many places for each key. It is safe for concurrent use.
type Share struct {
	max int

	mu    sync.Mutex
	taken map[string]int
}

// NewShare returns one with max places for each key.
func NewShare(max int) *Share { return &Share{max: max, taken: map[string]int{}} }

// Enter reports whether there is a place for one more of key, who then has to
// leave, once.
func (s *Share) Enter(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key] >= s.max {
		return false
	}
	s.taken[key]++
	return true
}

// Leave gives the place back.
func (s *Share) Leave(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key]--; s.taken[key] <= 0 {
		delete(s.taken, key)
	}
}
