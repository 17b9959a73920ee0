package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

const (
	refreshPrefix = "ort_"
	idSize        = 20 // letters and digits of a token's id: 100 bits
	secretSize    = 32 // bytes
)

// newID returns an id that no token has had.
func newID() string { return strings.ToLower(rand.Text()[:idSize]) }

// newSecret makes the refresh token of a login, and what is kept of it.
func newSecret(id string) (token string, sum []byte) {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails, by its documentation
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append([]byte(id), secret...)), digest(secret)
}

// parseSecret reads a refresh token: whose it is, and the digest of its secret.
func parseSecret(token string) (id string, sum []byte, ok bool) {
	text, ok := strings.CutPrefix(token, refreshPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(idSize+secretSize) {
		return "", nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != idSize+secretSize {
		return "", nil, false
	}
	return string(raw[:idSize]), digest(raw[idSize:]), true
}

// digest needs no salt and no stretching: its input is 256 random bits.
func digest(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}

// matches compares in a time that does not depend on where the digests differ:
// ConstantTimeCompare looks at all bytes of two of one length, and returns early only
// where the lengths differ, which are no secret (32, or 0 where nothing is kept).
// Besides, what is compared are digests: whoever measures the time cannot choose
// the next one without inverting SHA-256.
func matches(kept, sum []byte) bool {
	return len(kept) == sha256.Size && subtle.ConstantTimeCompare(kept, sum) == 1
}
