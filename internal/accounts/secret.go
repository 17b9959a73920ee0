package accounts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/security"
)

const (
	refreshPrefix = "ort_"
	idSize        = 20 // letters and digits of a token's id: 100 bits
	secretSize    = 32 // bytes
	sealSize      = 16 // bytes of an HMAC: who guesses does so over the network
)

// newID returns an id that no token has had.
func newID() string { return strings.ToLower(rand.Text()[:idSize]) }

// secrets makes refresh tokens and knows its own again: each has a seal, so that one of
// long ago, of which nothing is kept, can be told from one that was made up.
type secrets struct{ keys [][]byte } // the first one seals

func newSecrets(keys security.Keys) (s secrets) {
	for _, key := range keys.All() {
		s.keys = append(s.keys, key.Derive("octaskly refresh token v1"))
	}
	return s
}

// secret is what a refresh token says.
type secret struct {
	id   string // of its session
	sum  []byte // digest of what only it knows
	ours bool   // it has our seal; those of earlier versions have none
}

// create makes the refresh token of a login, and what is kept of it.
func (s secrets) create(id string) (token string, sum []byte) {
	text := make([]byte, idSize+secretSize, idSize+secretSize+sealSize)
	copy(text, id)
	rand.Read(text[idSize:]) // never fails, by its documentation
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(append(text, seal(s.keys[0], text)...)), digest(text[idSize:])
}

func seal(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)[:sealSize]
}

func (s secrets) isOurs(text, sum []byte) bool {
	return slices.ContainsFunc(s.keys, func(key []byte) bool { return hmac.Equal(sum, seal(key, text)) })
}

// parse reads a refresh token. One with a seal that is not ours is none.
func (s secrets) parse(token string) (secret, bool) {
	const bare, sealed = idSize + secretSize, idSize + secretSize + sealSize
	text, ok := strings.CutPrefix(token, refreshPrefix)
	size := base64.RawURLEncoding.DecodedLen(len(text))
	if !ok || size != bare && size != sealed {
		return secret{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != size {
		return secret{}, false
	}
	said, sum := raw[:bare], raw[bare:]
	if len(sum) > 0 && !s.isOurs(said, sum) {
		return secret{}, false
	}
	return secret{string(said[:idSize]), digest(said[idSize:]), len(sum) > 0}, true
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
