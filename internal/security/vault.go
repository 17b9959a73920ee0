package security

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrOtherKey says that something was sealed under another fleet key than this.
var ErrOtherKey = errors.New("it was sealed under another fleet key")

// sealID is how many hex digits of the fleet key's fingerprint stand before what is sealed.
const sealID = 8

// Vault seals what may lie on disk but must not be read there. It is safe for
// concurrent use.
//
// What it seals is the fingerprint of the fleet key (as in [Key.String]), a random
// nonce of 12 bytes, and AES-256-GCM of the plain bytes under a key that HKDF
// derives for the purpose. A purpose is good for 2³² sealings.
type Vault struct {
	shelves []shelf // the first one seals
}

// shelf is what one fleet key opens.
type shelf struct {
	key Key
	id  string
}

// NewVault returns a vault that keys open: the present one, which seals, and former ones.
func NewVault(present Key, former ...Key) *Vault {
	v := &Vault{}
	for _, key := range append([]Key{present}, former...) {
		if key.IsZero() {
			panic("security: a vault with a zero Key")
		}
		v.shelves = append(v.shelves, shelf{key, strings.TrimPrefix(key.String(), "fleet-key:")})
	}
	return v
}

// Seal returns plain so that only Open with the same purpose and about gives it
// back: about says to whom or what it belongs, and is not in what is sealed.
func (v *Vault) Seal(purpose string, plain, about []byte) ([]byte, error) {
	present := v.shelves[0]
	box, err := present.box(purpose)
	if err != nil {
		return nil, fmt.Errorf("cannot seal: %w", err)
	}
	sealed := make([]byte, sealID, sealID+len(plain)+box.Overhead())
	copy(sealed, present.id)
	return box.Seal(sealed, nil, plain, about), nil
}

// Open returns what was sealed. The error is ErrOtherKey if that was under another
// fleet key.
func (v *Vault) Open(purpose string, sealed, about []byte) ([]byte, error) {
	if len(sealed) < sealID {
		return nil, errors.New("cannot unseal: it is too short")
	}
	id, rest := string(sealed[:sealID]), sealed[sealID:]
	i := slices.IndexFunc(v.shelves, func(s shelf) bool { return s.id == id })
	if i < 0 {
		return nil, fmt.Errorf("cannot unseal: %w (fingerprint %q, this one has %q): put that key back", ErrOtherKey, id, v.shelves[0].id)
	}
	box, err := v.shelves[i].box(purpose)
	if err != nil {
		return nil, fmt.Errorf("cannot unseal: %w", err)
	}
	plain, err := box.Open(nil, nil, rest, about)
	if err != nil {
		return nil, errors.New("cannot unseal: it was changed, or belongs elsewhere")
	}
	return plain, nil
}

// IsCurrent reports whether something was sealed under the present key.
func (v *Vault) IsCurrent(sealed []byte) bool {
	return strings.HasPrefix(string(sealed), v.shelves[0].id)
}

func (s shelf) box(purpose string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.key.Derive("octaskly vault v1 " + purpose))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
