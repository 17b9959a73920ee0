package security

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// A password's length in bytes. It may be any text.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// cost is what a new password is hashed with: the second recommendation of RFC 9106
// (64 MiB, 3 passes), in one lane, since two are hashed at a time. What is stored
// keeps what it was made with.
var cost = parameters{memory: 64 << 10, passes: 3, lanes: 1}

// hashing bounds the memory that passwords take: two at a time, 64 that wait.
var hashing = newGate(2, 64)

// HashPassword returns what to keep of a password: argon2id in PHC's form. It waits
// for its turn; the error is ErrBusy where too many wait.
func HashPassword(ctx context.Context, password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("cannot use that password: it has %d bytes, want %d to %d", len(password), MinPassword, MaxPassword)
	}
	h := passwordHash{parameters: cost, salt: make([]byte, saltSize)}
	rand.Read(h.salt) // never fails, by its documentation
	err := hashing.do(ctx, func() { h.sum = h.of(password, sumSize) })
	if err != nil {
		return "", fmt.Errorf("cannot hash a password: %w", err)
	}
	return h.String(), nil
}

// CheckPassword reports whether that is the password that hash was made of. An
// empty hash is nobody's: it takes as long as a real one, so that nobody learns
// whose name there is. The errors are ErrBusy, the context's, and those of a hash
// that is none.
func CheckPassword(ctx context.Context, hash, password string) (bool, error) {
	h := &passwordHash{parameters: cost, salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
	if hash != "" {
		var err error
		if h, err = parsePasswordHash(hash); err != nil {
			return false, err
		}
	}
	if len(password) > MaxPassword {
		return false, nil // whoever's it should be
	}
	var same int
	err := hashing.do(ctx, func() { same = subtle.ConstantTimeCompare(h.of(password, len(h.sum)), h.sum) })
	if err != nil {
		return false, fmt.Errorf("cannot check a password: %w", err)
	}
	return same == 1 && hash != "", nil
}

// of hashes a password as h was.
func (h *passwordHash) of(password string, size int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(size))
}
