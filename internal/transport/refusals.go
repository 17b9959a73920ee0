package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// reason is why a listener refused a connection, as its log says it.
type reason string

const (
	errSilent    reason = "it did not finish its opening in time"
	errHungUp    reason = "it hung up during its opening"
	errNotTLS    reason = "it does not speak TLS"
	errHandshake reason = "the TLS handshake failed"
	errForeign   reason = "it speaks TLS, but not octaskly"
	errVersion   reason = "it speaks another version of the protocol; install the same version on both machines"
	errOpening   reason = "its opening is malformed"
	errOtherKey  reason = "it has another fleet key; copy this dispatcher's key file to that machine"
	errStranger  reason = "it opens a bulk channel for a session that is not here"
	errGreedy    reason = "its session has too many bulk channels"
	errCrowded   reason = "too many connections are being opened at once"
	errAccept    reason = "cannot accept connections"

	errCertificate reason = "its certificate is none of this fleet's"
	errRemoved     reason = "it is a worker that was removed; octasklyctl worker approve lets it in again"
	errRevoked     reason = "its certificate counts no more"
	errNotJoined   reason = "it has not joined"
	errCrowdedOut  reason = "too many machines are joining at once"
)

func (r reason) Error() string { return string(r) }

// explain finds the reason behind what went wrong on a connection.
func explain(err error) error {
	var known reason
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	case errors.As(err, &notTLS):
		return errNotTLS
	case isLost(err):
		return errHungUp
	default:
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
}

const (
	refusalWindow = time.Minute
	maxRefusals   = 1024 // hosts and reasons remembered in one window
)

// refusals remembers what was reported in this window of time, so that one
// broken or hostile host does not fill the log.
type refusals struct {
	mu       sync.Mutex
	began    time.Time
	reported map[refusal]bool
}

type refusal struct {
	host string
	why  reason
}

// first reports whether why, which has a reason, is news of the host at addr.
func (r *refusals) first(addr string, why error) bool {
	it := refusal{host: hostOf(addr)}
	errors.As(why, &it.why)

	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.reported == nil || now.Sub(r.began) >= refusalWindow {
		r.began, r.reported = now, map[refusal]bool{}
	}
	if len(r.reported) >= maxRefusals {
		it.host = "" // too many hosts to tell them apart
	}
	known := r.reported[it]
	r.reported[it] = true
	return !known
}
