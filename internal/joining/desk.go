package joining

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// Desk is where a dispatcher decides who joins. Its methods are called by many
// goroutines at a time, and each in the order in which they stand here.
//
// The text of an error reaches the worker, and so a stranger, if it is a
// *octaskly.FieldError or wraps octaskly.ErrDenied, ErrFull, ErrConflict, ErrGone, ErrNotFound
// or ErrUnavailable. Of any other the worker hears only that there was one. After ErrFull and
// ErrUnavailable the worker asks again soon, after others it is told to change something first.
type Desk interface {
	// Fleet is the fleet's name.
	Fleet() string

	// Keys are the fleet keys that count, the present one first.
	Keys() []security.Key

	// Allowed refuses by what is only claimed: names that are not on the list, ids
	// that were removed, ways that are closed. It comes before anything else.
	Allowed(ctx context.Context, a *Application) error

	// Redeem uses an invite up for a.KeyHash(), durably, if it is on record, neither
	// used by another key, nor revoked, nor over. The invite's MAC and name are
	// checked already. The same key may redeem it again: its answer may have been lost.
	Redeem(ctx context.Context, invite InviteID, a *Application) error

	// Enter puts p where operators find it, or refuses because too many wait already, or
	// have come of late: how many enter is how many guesses at a code somebody in
	// between has (see the package). Await follows for whom it has let in.
	Enter(ctx context.Context, p *Pending) error

	// Await waits until ctx ends, takes p away again, and returns nil. If it returns
	// earlier, the worker is refused with its error: because somebody rejects it, or
	// another connection of the same worker has taken its place.
	Await(ctx context.Context, p *Pending) error

	// Issue records the identity durably (id, name, serial, key, until, way) and then
	// returns its certificate, by a.Authority.
	Issue(ctx context.Context, a *Application) (*x509.Certificate, error)
}

// Pending is a worker that waits for an approval.
type Pending struct {
	*Application

	try  chan trial
	over chan struct{} // closed when nobody receives from try any more
}

var errAway = fmt.Errorf("%w: the worker waits no longer", octaskly.ErrGone)

// trial is a code that an operator has typed.
type trial struct {
	code    Code
	verdict chan<- error // has room for one
}

// Try gives a code that an operator has typed to the connection on which the worker
// waits. It returns nil when the worker shows that code and has been issued its
// certificate; an error that is ErrWrongCode when it shows another one (from then on it
// shows a new one, and is sent away after MaxTries); else why it could not be found out, or what Issue
// said. One at a time is tried; Try waits for its turn until ctx ends.
func (p *Pending) Try(ctx context.Context, code Code) error {
	verdict := make(chan error, 1)
	select {
	case p.try <- trial{code, verdict}:
	case <-p.over:
		return errAway
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-verdict:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
