package security

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
)

// keySize is the length of a fleet key and of all that is derived, in bytes.
const keySize = 32

// Key is a fleet's secret. However it is printed, logged or marshalled, only
// its fingerprint shows. The zero Key is no key: using it panics.
type Key struct {
	// A func, because fmt prints the unexported fields of a struct that holds a
	// Key without asking Format, and %s looks behind a pointer even there.
	secret func() [keySize]byte
}

func newKey(secret [keySize]byte) Key {
	return Key{func() [keySize]byte { return secret }}
}

// GenerateKey returns a new random key.
func GenerateKey() Key {
	var secret [keySize]byte
	rand.Read(secret[:]) // never fails, by its documentation
	return newKey(secret)
}

// IsZero reports whether k is no key at all.
func (k Key) IsZero() bool { return k.secret == nil }

// Derive returns the 32 byte key for one purpose, by HKDF-SHA256 (RFC 5869)
// with label as its info.
func (k Key) Derive(label string) []byte {
	if k.IsZero() {
		panic("security: use of a zero Key")
	}
	secret := k.secret()
	derived, err := hkdf.Key(sha256.New, secret[:], nil, label, keySize)
	if err != nil {
		panic(err) // only for lengths that HKDF does not allow
	}
	return derived
}

// String returns a fingerprint such as "fleet-key:1a2b3c4d", by which people
// see whether two machines have the same key.
func (k Key) String() string {
	if k.IsZero() {
		return "fleet-key:none"
	}
	sum := sha256.Sum256(k.Derive("octaskly fingerprint v1"))
	return fmt.Sprintf("fleet-key:%x", sum[:4])
}

// GoString returns the fingerprint.
func (k Key) GoString() string { return k.String() }

// Format writes the fingerprint, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue returns the fingerprint.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns the fingerprint.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
