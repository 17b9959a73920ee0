package roster

import (
	"context"
	"fmt"
	"math/big"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/transport"
)

// serialOf is a certificate's serial number as it is kept.
func serialOf(n *big.Int) string { return fmt.Sprintf("%032x", n) }

// Admit is for transport.Config. It reads memory only.
func (r *Roster) Admit(who *transport.Identity) error {
	if r.book.removal(who.ID) != nil {
		return transport.ErrRemoved
	}
	i := r.book.identity(serialOf(who.Certificate.SerialNumber))
	if i == nil || !i.RevokedAt.IsZero() || i.Worker != who.ID || i.Name != who.Name {
		return transport.ErrRevoked
	}
	return nil
}

// Judge says why the worker of a session is not taken that calls itself so; identity
// is nil where it has shown nothing but the fleet key. It reads memory only.
func (r *Roster) Judge(identity *transport.Identity, id octaskly.WorkerID, name string) error {
	if err := r.notRemoved(id, name); err != nil {
		return err
	}
	policy := r.book.presentPolicy()
	if err := policy.allows(name); err != nil {
		return err
	}
	if identity == nil {
		return policy.allowsKey()
	}
	if identity.ID != id || identity.Name != name {
		return fmt.Errorf("its certificate is that of worker %.64q, id %s; to join by another name, stop it, remove identity.pem from its state directory and start it: %w",
			identity.Name, identity.ID, octaskly.ErrDenied)
	}
	return r.Admit(identity)
}

// Allowed implements joining.Desk.
func (r *Roster) Allowed(_ context.Context, a *joining.Application) error {
	if err := r.notRemoved(a.ID, a.Name); err != nil {
		return err
	}
	if gone := r.book.removalByKey(a.KeyHash()); gone != nil {
		return fmt.Errorf("this machine's key is that of worker %.64s, id %s, which was removed; let it in again with: octasklyctl worker approve %[2]s: %[3]w", gone.Name, gone.Worker, octaskly.ErrDenied)
	}
	policy := r.book.presentPolicy()
	if err := policy.allows(a.Name); err != nil {
		return err
	}
	if a.Way == joining.ByKey {
		return policy.allowsKey()
	}
	return nil
}

func (r *Roster) notRemoved(id octaskly.WorkerID, name string) error {
	if r.book.removal(id) == nil {
		return nil
	}
	return fmt.Errorf("this worker was removed; let it in again with: octasklyctl worker approve %.64s: %w", name, octaskly.ErrDenied)
}
