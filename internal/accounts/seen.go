package accounts

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
)

// maxSeen bounds the tokens whose signatures are remembered; about 300 bytes each.
const maxSeen = 4096

// seen remembers of which tokens the signature was good, and nothing else: whether
// a token's row and user are is looked up each time. A signature stays good until
// the token's time is over, since a key is kept for as long as what it has signed.
//
// It is looked up by the token's SHA-256. How long that takes may tell something of
// the hashes that are there; but who cannot invert SHA-256 makes no token of it.
type seen struct {
	lock sync.RWMutex
	of   map[tokenSum]*auth.Claims
}

// tokenSum is what a token is looked up by.
type tokenSum [sha256.Size]byte

func sumOf(token string) tokenSum { return sha256.Sum256([]byte(token)) }

// get returns nil if the token was not seen, or its time is not now.
func (s *seen) get(sum tokenSum, now time.Time) *auth.Claims {
	s.lock.RLock()
	c := s.of[sum]
	s.lock.RUnlock()
	if c == nil || !now.Before(c.ExpiresAt) || now.Before(c.NotBefore) {
		return nil
	}
	return c
}

func (s *seen) put(sum tokenSum, c *auth.Claims) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.of == nil {
		s.of = make(map[tokenSum]*auth.Claims)
	}
	if len(s.of) >= maxSeen {
		s.shed()
	}
	s.of[sum] = c
}

// shed forgets some, it does not matter which. For the holder of the lock.
func (s *seen) shed() {
	n := 0
	for sum := range s.of {
		delete(s.of, sum)
		if n++; n >= maxSeen/16 {
			return
		}
	}
}
