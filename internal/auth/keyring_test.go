package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// signer is the id of the key that signs.
func signer(t *testing.T, k *Keyring) string {
	t.Helper()
	token, err := k.Sign(goodClaims())
	if err != nil {
		return err.Error()
	}
	header, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseObject(text)
	if err != nil {
		t.Fatal(err)
	}
	id, err := o.text("kid", 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSignThenVerify(t *testing.T) {
	k := testRing(t)
	token, err := k.Sign(goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Verify(token, testNow); err != nil || *got != goodClaims() {
		t.Errorf("%+v, %v", got, err)
	}
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if string(claims) != testClaims {
		t.Errorf("it says %s", claims)
	}
	fraction := goodClaims()
	fraction.ExpiresAt = fraction.ExpiresAt.Add(999 * time.Millisecond)
	if token, err = k.Sign(fraction); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Verify(token, testNow); err != nil || *got != goodClaims() {
		t.Errorf("a token lives longer than it was given: %+v, %v", got, err)
	}
}

func TestSignRefuses(t *testing.T) {
	for what, change := range map[string]func(*Claims){
		"no subject":     func(c *Claims) { c.Subject = "" },
		"long subject":   func(c *Claims) { c.Subject = strings.Repeat("x", 257) },
		"no role":        func(c *Claims) { c.Role = "" },
		"unknown role":   func(c *Claims) { c.Role = "root" },
		"no session":     func(c *Claims) { c.Session = "" },
		"long session":   func(c *Claims) { c.Session = strings.Repeat("x", 129) },
		"no id":          func(c *Claims) { c.ID = "" },
		"no end":         func(c *Claims) { c.ExpiresAt = time.Time{} },
		"no begin":       func(c *Claims) { c.NotBefore = time.Time{} },
		"not issued":     func(c *Claims) { c.IssuedAt = time.Time{} },
		"end at begin":   func(c *Claims) { c.ExpiresAt = c.NotBefore },
		"the year 10000": func(c *Claims) { c.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		c := goodClaims()
		if change(&c); c == goodClaims() {
			t.Fatal(what)
		}
		if token, err := testRing(t).Sign(c); err == nil {
			t.Errorf("%s: %s", what, token)
		}
	}
}

// TestRotation: the newest key that is not retired signs, every one that is there
// verifies, and what one has signed that is gone is worth nothing.
func TestRotation(t *testing.T) {
	k := NewKeyring(testIssuer)
	if got := signer(t, k); !strings.Contains(got, "rotate") {
		t.Errorf("without a key: %s", got)
	}
	tokens := map[string]string{}
	step := func(signs string, ids ...string) {
		t.Helper()
		if got := signer(t, k); got != signs {
			t.Errorf("%s signs, want %s", got, signs)
		}
		if got := k.IDs(); !slices.Equal(got, ids) {
			t.Errorf("the keys are %v, want %v", got, ids)
		}
		tokens[signs], _ = k.Sign(goodClaims())
		for id, token := range tokens {
			if _, err := k.Verify(token, testNow); (err == nil) != slices.Contains(ids, id) {
				t.Errorf("what %s signed: %v", id, err)
			}
		}
	}
	add := func(id string, key ed25519.PrivateKey, retired time.Time) {
		t.Helper()
		if err := k.Add(id, key, retired); err != nil {
			t.Fatal(err)
		}
	}
	add("k1", key1, time.Time{})
	step("k1", "k1")
	add("k2", key2, time.Time{})
	step("k2", "k2", "k1")
	add("k1", key1, testNow) // retired, its place is the same
	step("k2", "k2", "k1")
	id, key3 := GenerateSigningKey()
	add(id, key3, testNow)
	step("k2", "k2", id, "k1")
	k.Remove("k1")
	k.Remove("k1")
	step("k2", "k2", id)
	add(id, key3, time.Time{})
	step(id, id, "k2")
	k.Remove(id)
	step("k2", "k2")
}

func TestAddRefuses(t *testing.T) {
	wrong := slices.Clone(key1)
	copy(wrong[32:], key2[32:]) // another's public half: signing with it would give the key away
	for what, test := range map[string]struct {
		id  string
		key ed25519.PrivateKey
	}{
		"no id": {"", key1}, "a path": {"../k", key1}, "a long id": {strings.Repeat("k", 65), key1}, "a line end": {"k\n", key1},
		"no key": {"k", nil}, "a seed": {"k", key1[:32]}, "too long": {"k", append(slices.Clone(key1), 0)}, "half another": {"k", wrong},
	} {
		k := NewKeyring(testIssuer)
		if err := k.Add(test.id, test.key, time.Time{}); err == nil || len(k.IDs()) != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	k, mine := NewKeyring(testIssuer), slices.Clone(key1)
	if err := k.Add("k1", mine, time.Time{}); err != nil {
		t.Fatal(err)
	}
	clear(mine) // the ring has its own
	token, err := k.Sign(goodClaims())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testRing(t).Verify(token, testNow); err != nil {
		t.Error(err)
	}
}

func TestGenerateSigningKey(t *testing.T) {
	id1, a := GenerateSigningKey()
	id2, b := GenerateSigningKey()
	if id1 == id2 || a.Equal(b) || !keyID.MatchString(id1) || len(id1) != 16 {
		t.Errorf("%s and %s", id1, id2)
	}
}

func TestKeyringConcurrently(t *testing.T) {
	k := testRing(t)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			id, key := GenerateSigningKey()
			for range 20 {
				if err := k.Add(id, key, time.Time{}); err != nil {
					t.Error(err)
				}
				token, err := k.Sign(goodClaims())
				if err != nil {
					t.Error(err)
				}
				k.Verify(token, testNow) // whose key may be gone again
				if _, err := k.Verify(forge(key1, testHeader, testClaims), testNow); err != nil {
					t.Error(n, err)
				}
				if len(k.IDs()) < 2 {
					t.Error("keys are missing")
				}
				k.Remove(id)
			}
		})
	}
	group.Wait()
}

func TestKeyringNeverShows(t *testing.T) {
	k := testRing(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{k, struct{ K *Keyring }{k}} {
			out := fmt.Sprintf(verb, value)
			if strings.Contains(out, hex.EncodeToString(key1[:3])) || strings.Contains(out, fmt.Sprint([]byte(key1[:3]))[1:8]) {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a keyring without an issuer")
		}
	}()
	NewKeyring("")
}
