package auth

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// FuzzVerify: whatever is accepted is signed by one of two keys, byte for byte.
func FuzzVerify(f *testing.F) {
	good := forge(key1, testHeader, testClaims)
	f.Add(good)
	f.Add(forge(key2, testHeader, testClaims))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(testClaims) + ".")
	f.Add(forge(key1, `{"alg":"EdDSA","typ":"at+jwt","kid":["k1"]}`, "null"))
	f.Add("..")
	k := testRing(f)
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := k.Verify(token, testNow)
		if err != nil {
			if claims != nil || !errors.Is(err, octaskly.ErrUnknown) {
				t.Errorf("%v, %v", claims, err)
			}
			return
		}
		if token != good && token != forge(key2, strings.Replace(testHeader, "k1", "k2", 1), testClaims) {
			t.Errorf("accepted %q as %+v", token, claims)
		}
	})
}

// FuzzVerifySigned signs what the fuzzer makes up: what is accepted means what it says.
func FuzzVerifySigned(f *testing.F) {
	f.Add(testHeader, testClaims)
	f.Add(`{"kid":"k2","alg":"EdDSA","typ":"at+jwt"}`, `{"exp":1000900}`)
	f.Add(`{"alg":"EdDSA","typ":"at+jwt","kid":"k1","crit":[]}`, "null")
	k := testRing(f)
	f.Fuzz(func(t *testing.T, header, text string) {
		claims, err := k.Verify(forge(key1, header, text), testNow)
		if err != nil {
			return
		}
		if claims.Subject == "" || claims.Session == "" || claims.ID == "" || !slices.Contains(octaskly.Roles, claims.Role) ||
			!testNow.Before(claims.ExpiresAt) || claims.NotBefore.After(testNow.Add(leeway)) || claims.IssuedAt.After(testNow.Add(leeway)) {
			t.Errorf("%q is accepted as %+v", text, claims)
		}
	})
}
