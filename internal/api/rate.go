package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
)

// knownFor is how long a token that was good makes a request one of nobody's
// address.
const knownFor = time.Minute

// admit counts a request of an address, but of whoever has shown a good token
// lately: strangers take nothing from those who are known, who have a bound of their
// own. Whoever is on the machine itself is bounded by the system.
func (h *Handler) admit(c connection, sent http.Header) error {
	if c.door == unixDoor {
		return nil
	}
	if token, err := bearer(sent); err == nil && h.known.Has(token, time.Now()) {
		return nil
	}
	return take(h.addresses, c.peer.network().String(), "this address")
}

// admitToken counts a request of a token.
func (h *Handler) admitToken(who *Caller) error {
	if who.Token == "" {
		return nil
	}
	return take(h.tokens, who.Token, "this token")
}

func take(m *auth.Meter, key, what string) error {
	if ok, after := m.Take(key, time.Now()); !ok {
		return &TooSoon{Why: fmt.Sprintf("cannot serve so many requests of %s; try again in %v", what, roundUp(after)), After: after}
	}
	return nil
}

// roundUp makes whole seconds, at least one.
func roundUp(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}
