package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Keyring signs access tokens of one fleet and verifies them. It is safe for
// concurrent use.
type Keyring struct {
	issuer string

	mu   sync.RWMutex
	keys []signingKey // in the order in which they were added
}

type signingKey struct {
	id      string
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	retired time.Time
}

// keyID is what an id of a key looks like: a name, and nothing that anybody could
// take for a path, an address or a query.
var keyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// NewKeyring returns one without keys. The issuer is in every token.
func NewKeyring(issuer string) *Keyring {
	if issuer == "" || len(issuer) > maxIssuer {
		panic("auth: a keyring wants an issuer of 1 to 128 bytes")
	}
	return &Keyring{issuer: issuer}
}

// GenerateSigningKey returns a new key and its id.
func GenerateSigningKey() (id string, private ed25519.PrivateKey) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // only for a reader of randomness that fails
	}
	var name [8]byte
	rand.Read(name[:])
	return hex.EncodeToString(name[:]), private
}

// Add puts a key on the ring, or changes the one of that id. The last that was
// added and is not retired signs; all verify. It refuses what is no key.
func (k *Keyring) Add(id string, private ed25519.PrivateKey, retired time.Time) error {
	if !keyID.MatchString(id) {
		return fmt.Errorf("cannot use a signing key: its id %.40q is not of 1 to 64 letters and digits", id)
	}
	if len(private) != ed25519.PrivateKeySize || !ed25519.NewKeyFromSeed(private.Seed()).Equal(private) {
		return fmt.Errorf("cannot use signing key %s: it is none of Ed25519", id)
	}
	private = slices.Clone(private)
	key := signingKey{id, private, private.Public().(ed25519.PublicKey), retired}
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := k.index(id); i >= 0 {
		k.keys[i] = key
		return nil
	}
	k.keys = append(k.keys, key)
	return nil
}

// Remove takes a key off the ring. What it has signed is good for nothing then.
func (k *Keyring) Remove(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = slices.DeleteFunc(k.keys, func(key signingKey) bool { return key.id == id })
}

// IDs returns the ids of all keys, newest first, before them the one that signs.
func (k *Keyring) IDs() []string {
	signing, err := k.signing()
	k.mu.RLock()
	defer k.mu.RUnlock()
	var ids []string
	if err == nil {
		ids = append(ids, signing.id)
	}
	for _, key := range slices.Backward(k.keys) {
		if key.id != signing.id {
			ids = append(ids, key.id)
		}
	}
	return ids
}

func (k *Keyring) index(id string) int {
	return slices.IndexFunc(k.keys, func(key signingKey) bool { return key.id == id })
}

func (k *Keyring) signing() (signingKey, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range slices.Backward(k.keys) {
		if key.retired.IsZero() {
			return key, nil
		}
	}
	return signingKey{}, errors.New("there is no key that is not retired: rotate the keys")
}

func (k *Keyring) verifying(id string) (ed25519.PublicKey, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if i := k.index(id); i >= 0 {
		return k.keys[i].public, nil
	}
	return nil, fmt.Errorf("there is no key %s (any more)", id)
}

// Format writes how many keys there are, whatever the verb: none ever shows.
func (k *Keyring) Format(f fmt.State, _ rune) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	io.WriteString(f, fmt.Sprintf("keyring of %s with %d keys", k.issuer, len(k.keys)))
}
