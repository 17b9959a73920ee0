package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// leeway is how far in the future a token may have been made, for clocks that were
// set back. It does not lengthen a token's life.
const leeway = 30 * time.Second

// Verify returns what a token says if one of the keys signed it, it is one of this
// fleet, and now is within its time. Every error is octaskly.ErrUnknown, and quotes
// nothing of the token's that is secret.
func (k *Keyring) Verify(token string, now time.Time) (*Claims, error) {
	claims, err := k.verify(token, now)
	if err != nil {
		return nil, fmt.Errorf("cannot accept that access token: %w: %w", octaskly.ErrUnknown, err)
	}
	return claims, nil
}

func (k *Keyring) verify(token string, now time.Time) (*Claims, error) {
	if err := checkShape(token); err != nil {
		return nil, err
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(k.issuer), jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithStrictDecoding(),
	)
	var said payload
	if _, err := parser.ParseWithClaims(token, &said, k.find); err != nil {
		return nil, err
	}
	if now.Unix() >= said.ExpiresAt { // without the leeway
		return nil, jwt.ErrTokenExpired
	}
	return said.claims(), nil
}

// checkShape wants three segments of base64url, of a length that is worth parsing.
// base64 itself would skip line ends.
func checkShape(token string) error {
	if len(token) > maxToken {
		return fmt.Errorf("it has more than %d bytes", maxToken)
	}
	for i := range len(token) {
		c := token[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return errors.New("it has bytes that no token has")
		}
	}
	if strings.Count(token, ".") != 2 {
		return errors.New("it has not three segments")
	}
	return nil
}

// find is the jwt.Keyfunc: it believes nothing of the header but the id of a key
// that is known, and refuses a header that says more than ours do. So nobody is
// asked to fetch a key, to use one that the token brings along, or to heed "crit".
func (k *Keyring) find(token *jwt.Token) (any, error) {
	segment, _, _ := strings.Cut(token.Raw, ".")
	text, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, err
	}
	header, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	if len(header) != 3 { // alg, typ and kid
		return nil, errors.New("its header does not have just alg, typ and kid")
	}
	if alg, err := header.text("alg", 16); err != nil || alg != jwt.SigningMethodEdDSA.Alg() {
		return nil, errors.New("its alg is not EdDSA")
	}
	if typ, err := header.text("typ", 16); err != nil || typ != tokenType {
		return nil, errors.New("its typ is not at+jwt")
	}
	id, err := header.text("kid", 64)
	if err != nil || !keyID.MatchString(id) {
		return nil, errors.New("its kid is not the id of a key")
	}
	return k.verifying(id)
}
