package joining

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

func (v *answering) byInvite(ctx context.Context, a *apply) error {
	terms, err := parseTerms(a.Invite)
	if err != nil {
		return &octaskly.FieldError{Field: "invite", Why: err.Error()}
	}
	secret := v.inviteSecret(a)
	if secret == nil {
		return fmt.Errorf("%w: the invite was not made here, or its fleet key is gone: ask for another one", octaskly.ErrDenied)
	}
	if err := v.checkTerms(terms); err != nil {
		return err
	}
	if err := v.desk.Redeem(ctx, terms.ID, v.application); err != nil {
		return err
	}
	return v.issue(ctx, v.subject.prove(secret, security.Dispatcher))
}

// inviteSecret is the invite's MAC, by the key that has made it, or nil.
func (v *answering) inviteSecret(a *apply) []byte {
	for _, key := range v.desk.Keys() {
		if secret := inviteMAC(key, a.Invite); v.subject.proven(secret, security.Worker, a.Proof) {
			return secret
		}
	}
	return nil
}

func (v *answering) checkTerms(terms InviteTerms) error {
	switch {
	case terms.Authority != sha256.Sum256(v.visit.Authority.Raw):
		return fmt.Errorf("%w: the invite is of another authority than the present one: ask for another one", octaskly.ErrGone)
	case !time.Now().Before(terms.Expires):
		return fmt.Errorf("%w: the invite ended at %s: ask for another one", octaskly.ErrGone, terms.Expires.UTC().Format(time.RFC3339))
	case terms.Name != "" && terms.Name != v.application.Name:
		return &octaskly.FieldError{Field: "name", Why: fmt.Sprintf("the invite is for a worker named %q, this one is %q", terms.Name, v.application.Name)}
	}
	return nil
}
