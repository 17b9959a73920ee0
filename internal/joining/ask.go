package joining

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// AskWithKey joins by the fleet key. The error is ErrImpostor, a *Refusal, ErrForeign,
// ctx's or one of the network.
func AskWithKey(ctx context.Context, door Door, who Applicant, key security.Key) (*Identity, error) {
	return reported(askWithSecret(ctx, door, who, ByKey, keySecret(key), nil))
}

// AskWithInvite joins by an invite: see AskWithKey.
func AskWithInvite(ctx context.Context, door Door, who Applicant, invite *Invite) (*Identity, error) {
	return reported(askWithSecret(ctx, door, who, ByInvite, invite.mac(), invite))
}

func reported(identity *Identity, err error) (*Identity, error) {
	if err != nil {
		return nil, fmt.Errorf("cannot join: %w", err)
	}
	return identity, nil
}

// asking is one connection of a worker that wants to join.
type asking struct {
	frames
	door      Door
	who       Applicant
	apply     *apply
	authority *x509.Certificate
	subject   subject
}

func newAsking(door Door, who Applicant, way Way) (*asking, error) {
	authority, err := door.authority(time.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImpostor, err)
	}
	apply, err := newApply(&who, way, door.Exporter)
	if err != nil {
		return nil, err
	}
	return &asking{frames{door.Conn}, door, who, apply, authority, subjectOf(door.Exporter, apply.SPKI, authority)}, nil
}

// authority is whose certificate the server has shown behind one of a dispatcher that
// it has signed. Whose that is remains to be shown.
func (d *Door) authority(now time.Time) (*x509.Certificate, error) {
	if n := len(d.Chain); n < 2 || n > 3 { // behind a former authority, there is the present one
		return nil, fmt.Errorf("it shows %d certificates, not its own and the authority's", n)
	}
	leaf, err := parseCertificate(d.Chain[0])
	if err != nil {
		return nil, err
	}
	authority, err := parseCertificate(d.Chain[1])
	if err != nil {
		return nil, err
	}
	chain, roots := []*x509.Certificate{leaf}, []*x509.Certificate{authority}
	return authority, security.VerifyDispatcher(chain, roots, now)
}

func askWithSecret(ctx context.Context, door Door, who Applicant, way Way, secret []byte, invite *Invite) (*Identity, error) {
	a, err := newAsking(door, who, way)
	if err != nil {
		return nil, err
	}
	if invite != nil {
		if invite.Authority != sha256.Sum256(a.authority.Raw) {
			return nil, fmt.Errorf("%w that has made this invite", ErrImpostor)
		}
		a.apply.Invite = invite.payload
	}
	a.apply.Proof = a.subject.prove(secret, security.Worker)
	if err := a.send(ctx, stepTimeout, &fromWorker{Apply: a.apply}); err != nil {
		return nil, err
	}
	answer, err := a.hear(ctx, issueTimeout)
	if err != nil {
		return nil, err
	}
	if answer.Joined == nil {
		return nil, errForeignAnswer
	}
	if !a.subject.proven(secret, security.Dispatcher, answer.Joined.Proof) {
		return nil, fmt.Errorf("%w: it does not know the secret", ErrImpostor)
	}
	return a.identity(answer.Joined)
}

var errForeignAnswer = fmt.Errorf("%w: its answer is out of place", ErrForeign)

// hear waits for the dispatcher's next frame, and fails if that refuses.
func (a *asking) hear(ctx context.Context, timeout time.Duration) (*toWorker, error) {
	var answer toWorker
	if err := a.receive(ctx, timeout, &answer); err != nil {
		return nil, err
	}
	if r := answer.Refused; r != nil {
		return nil, &Refusal{Why: line(r.Why), Again: r.Again}
	}
	return &answer, nil
}

// identity checks what the dispatcher has issued: a mistake shows here, not when the
// worker is turned away later.
func (a *asking) identity(j *joined) (*Identity, error) {
	bare := &Identity{Key: a.who.Key}
	identity, err := bare.with(j.Certificate, a.authority, time.Now())
	if err != nil {
		return nil, err
	}
	peer, err := identity.peer(time.Now())
	if err != nil {
		return nil, err
	}
	if peer.ID != string(a.who.ID) || peer.Name != a.who.Name {
		return nil, errors.New("the certificate is another worker's")
	}
	if !isWord(j.Fleet) {
		return nil, fmt.Errorf("%w: its fleet has no name", ErrForeign)
	}
	identity.Fleet = j.Fleet
	return identity, nil
}
