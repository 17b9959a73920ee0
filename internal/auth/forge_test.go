package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// What all tests of tokens have in common. The tokens here are written by hand, not
// by the code under test.

const (
	testIssuer = "octaskly:abc"
	testHeader = `{"alg":"EdDSA","typ":"at+jwt","kid":"k1"}`
	testClaims = `{"iss":"octaskly:abc","aud":"octaskly-api","sub":"ann","role":"client","sid":"s1","jti":"j1","iat":1000000,"nbf":1000000,"exp":1000900}`
)

var (
	testNow = time.Unix(1_000_100, 0)
	key1    = ed25519.NewKeyFromSeed([]byte("a seed of the first key ........"))
	key2    = ed25519.NewKeyFromSeed([]byte("a seed of the second key ......."))
)

func testRing(t testing.TB) *Keyring {
	t.Helper()
	k := NewKeyring(testIssuer)
	for id, key := range map[string]ed25519.PrivateKey{"k1": key1, "k2": key2} {
		if err := k.Add(id, key, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forge signs whatever it is given.
func forge(key ed25519.PrivateKey, header, claims string) string {
	text := b64(header) + "." + b64(claims)
	return text + "." + b64(string(ed25519.Sign(key, []byte(text))))
}

func goodClaims() Claims {
	return Claims{
		Subject: "ann", Role: octaskly.RoleClient, Session: "s1", ID: "j1",
		IssuedAt: time.Unix(1_000_000, 0), NotBefore: time.Unix(1_000_000, 0), ExpiresAt: time.Unix(1_000_900, 0),
	}
}

func unbase64(t testing.TB, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
