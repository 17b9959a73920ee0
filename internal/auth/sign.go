package auth

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const tokenType = "at+jwt" // RFC 9068

// maxToken is the length of a token in bytes: longer ones are not even looked at.
const maxToken = 4096

// Sign makes an access token that Verify accepts, with the newest key that is not
// retired.
func (k *Keyring) Sign(c Claims) (string, error) {
	token, err := k.sign(&c)
	if err != nil {
		return "", fmt.Errorf("cannot sign an access token: %w", err)
	}
	return token, nil
}

func (k *Keyring) sign(c *Claims) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	key, err := k.signing()
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c.payload(k.issuer))
	token.Header["typ"] = tokenType
	token.Header["kid"] = key.id
	signed, err := token.SignedString(key.private)
	if err == nil && len(signed) > maxToken {
		return "", fmt.Errorf("it would have more than %d bytes", maxToken)
	}
	return signed, err
}

// check refuses what Verify would never accept.
func (c *Claims) check() error {
	for _, text := range []struct {
		name, value string
		max         int
	}{{"subject", c.Subject, maxSubject}, {"session", c.Session, maxID}, {"id", c.ID, maxID}} {
		if text.value == "" || len(text.value) > text.max {
			return fmt.Errorf("its %s is not a text of 1 to %d bytes", text.name, text.max)
		}
	}
	if _, err := octaskly.ParseRole(string(c.Role)); err != nil {
		return err
	}
	if c.IssuedAt.Unix() < 0 || c.NotBefore.Unix() < 0 || c.ExpiresAt.Unix() > lastSecond {
		return errors.New("its times are not within the years 1970 and 9999")
	}
	if !c.ExpiresAt.After(c.NotBefore) {
		return errors.New("it would end before it begins")
	}
	return nil
}
