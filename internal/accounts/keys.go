package accounts

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// keyPurpose is what the vault seals signing keys for; each is about its id.
const keyPurpose = "signing key"

// newKey makes a key. It signs once it is on disk, see adopt.
func (a *Accounts) newKey(now time.Time) (*octaskly.SigningKey, error) {
	id, private := auth.GenerateSigningKey()
	sealed, err := a.vault.Seal(keyPurpose, private, []byte(id))
	if err != nil {
		return nil, fmt.Errorf("cannot keep a signing key: %w", err)
	}
	return &octaskly.SigningKey{ID: id, Sealed: sealed, CreatedAt: now}, nil
}

// open puts a key on the ring: the last that is not retired signs.
func (a *Accounts) open(key *octaskly.SigningKey) error {
	private, err := a.vault.Open(keyPurpose, key.Sealed, []byte(key.ID))
	if err != nil {
		return err
	}
	return a.ring.Add(key.ID, private, key.RetiredAt)
}

// reseal returns a key's content sealed under the present fleet key.
func (a *Accounts) reseal(key *octaskly.SigningKey) ([]byte, error) {
	private, err := a.vault.Open(keyPurpose, key.Sealed, []byte(key.ID))
	if err != nil {
		return nil, err
	}
	return a.vault.Seal(keyPurpose, private, []byte(key.ID))
}

// adopt makes the ring what is on disk now.
func (a *Accounts) adopt(rows *store.Records) error {
	for _, id := range rows.RemovedKeys {
		a.ring.Remove(id)
		a.keys = slices.DeleteFunc(a.keys, func(k octaskly.SigningKey) bool { return k.ID == id })
	}
	for _, key := range rows.Keys {
		if i := slices.IndexFunc(a.keys, func(k octaskly.SigningKey) bool { return k.ID == key.ID }); i >= 0 {
			a.keys[i] = key
			continue
		}
		if err := a.open(&key); err != nil {
			return fmt.Errorf("cannot sign with the new key: %w", err)
		}
		a.keys = append(a.keys, key)
	}
	inOrder(a.keys)
	return nil
}

// inOrder sorts: the signing key first, then the one that was retired last.
func inOrder(keys []octaskly.SigningKey) {
	retired := func(k octaskly.SigningKey) int {
		if k.RetiredAt.IsZero() {
			return 0
		}
		return 1
	}
	slices.SortFunc(keys, func(x, y octaskly.SigningKey) int {
		return cmp.Or(cmp.Compare(retired(x), retired(y)), y.RetiredAt.Compare(x.RetiredAt), y.CreatedAt.Compare(x.CreatedAt))
	})
}

// retire ends a key's signing. It signed everything that was made from its own
// CreatedAt to its RetiredAt, and nothing else did; for that, no token is dated
// before the key that signs it (see dated), and no key is retired before the last
// token, whatever the clock on the wall does.
func (a *Accounts) retire(key octaskly.SigningKey, now time.Time) octaskly.SigningKey {
	key.RetiredAt = later(now, key.CreatedAt)
	for _, t := range a.book.tokens {
		if t.Kind == octaskly.MachineToken && !t.CreatedAt.Before(key.CreatedAt) {
			key.RetiredAt = later(key.RetiredAt, t.CreatedAt)
		}
	}
	return key
}

// dated is when a token is made that the present key signs.
func (a *Accounts) dated(now time.Time) time.Time { return later(now, a.keys[0].CreatedAt) }

func later(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// spent are the retired keys that have signed nothing that is good any more: access
// tokens of logins have expired, and no machine token of the key's time lives.
func (a *Accounts) spent(now time.Time) (ids []string) {
	for _, key := range a.keys {
		if !key.RetiredAt.IsZero() && now.After(key.RetiredAt.Add(accessLife+time.Minute)) && !a.needed(&key, now) {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

func (a *Accounts) needed(key *octaskly.SigningKey, now time.Time) bool {
	for _, t := range a.book.tokens {
		if t.Kind == octaskly.MachineToken && live(t, now) && !t.CreatedAt.Before(key.CreatedAt) && !t.CreatedAt.After(key.RetiredAt) {
			return true
		}
	}
	return false
}
