package dispatcher

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
)

// A secret environment is opened in three places: where its task is assigned, on
// its way to the worker; where a submission is compared with an earlier one; and
// nowhere else. It is never kept in memory beyond that.

// seal puts o's secrets into spec, so that they may be stored.
func (d *Dispatcher) seal(spec *octaskly.Spec, o *api.Order) error {
	switch {
	case !spec.HasSecrets(o.Secrets):
		return &octaskly.FieldError{Field: "secret_env", Why: "its names and values do not agree"}
	case len(o.Secrets) == 0:
		return nil
	case d.Vault == nil:
		return &octaskly.FieldError{Field: "secret_env", Why: "this dispatcher has no key to seal it by"}
	}
	plain, err := protocol.Marshal(o.Secrets)
	if err != nil {
		return err
	}
	spec.Sealed, err = d.Vault.Seal(octaskly.SecretPurpose, plain, []byte(o.Job.Owner))
	return err
}

// unseal gives the secrets of owner's spec back.
func (d *Dispatcher) unseal(spec *octaskly.Spec, owner string) (secrets []string, err error) {
	if len(spec.SecretNames) == 0 {
		return nil, nil
	}
	if d.Vault == nil {
		return nil, fmt.Errorf("this dispatcher has no key: %w", security.ErrOtherKey)
	}
	plain, err := d.Vault.Open(octaskly.SecretPurpose, spec.Sealed, []byte(owner))
	if err != nil {
		return nil, err
	}
	if protocol.Unmarshal(plain, &secrets) != nil || !spec.HasSecrets(secrets) {
		return nil, errors.New("what was sealed is not what its names say")
	}
	return secrets, nil
}

// withoutSecrets is how a task ends whose secrets cannot be opened. Another try
// could not either.
func withoutSecrets(why error) *octaskly.End {
	end := &octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonSecretDamaged, EndedAt: now()}
	end.Detail = fmt.Sprintf("its secret environment cannot be opened: %v; submit it again", why)
	if errors.Is(why, security.ErrOtherKey) {
		end.Reason = octaskly.ReasonKeyChanged
		end.Detail = fmt.Sprintf("its secret environment cannot be opened: %v, and type octasklyctl retry; or submit it again", why)
	}
	return end
}

// sameSecrets makes again's sealed environment the earlier one's if what is in them
// is the same.
func (d *Dispatcher) sameSecrets(again *octaskly.Spec, o *api.Order, earlier *octaskly.Spec) error {
	secrets, err := d.unseal(earlier, o.Job.Owner)
	if err != nil {
		return fmt.Errorf("cannot use idempotency key %q again: whether the secret environment is the same cannot be told: %w: %w", o.Job.Key, err, octaskly.ErrConflict)
	}
	if equalSecrets(secrets, o.Secrets) {
		again.Sealed = earlier.Sealed
	}
	return nil
}

// equalSecrets takes as long whatever they are, but for their length.
func equalSecrets(a, b []string) bool {
	digest := func(list []string) []byte {
		plain, err := protocol.Marshal(append([]string{}, list...))
		if err != nil {
			return nil // strings can be encoded
		}
		sum := sha256.Sum256(plain)
		return sum[:]
	}
	return subtle.ConstantTimeCompare(digest(a), digest(b)) == 1
}

// redacted are the names of secrets, in the form of a submission.
func redacted(names []string) (list []api.Text) {
	for _, name := range names {
		list = append(list, api.Text(name+"="+octaskly.Redacted))
	}
	return list
}
