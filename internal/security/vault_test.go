package security

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestVault(t *testing.T) {
	v := NewVault(GenerateKey())
	for _, plain := range [][]byte{nil, {0}, []byte("NAME=value"), bytes.Repeat([]byte("long"), 1<<18)} {
		sealed, err := v.Seal("test", plain, []byte("job 42"))
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != 8+12+len(plain)+16 {
			t.Errorf("%d bytes became %d", len(plain), len(sealed))
		}
		if opened, err := v.Open("test", sealed, []byte("job 42")); err != nil || !bytes.Equal(opened, plain) {
			t.Errorf("%d bytes: %v", len(plain), err)
		}
		if len(plain) > 1 && bytes.Contains(sealed, plain[:4]) {
			t.Error("it shows")
		}
	}
}

// TestVaultKnownAnswer pins what old and new versions must agree on. The value is
// from Python's cryptography: HKDF, then AESGCM.
func TestVaultKnownAnswer(t *testing.T) {
	v := NewVault(newKey([32]byte([]byte("0123456789abcdef0123456789abcdef"))))
	sealed, _ := hex.DecodeString("6263616666656362000102030405060708090a0bd0cae5576c307f96892bb333983fe893a0b6a5ae55")
	if plain, err := v.Open("test", sealed, []byte("about")); err != nil || string(plain) != "plain" {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestVaultRefuses(t *testing.T) {
	key := GenerateKey()
	v, about := NewVault(key), []byte("job 42")
	sealed, err := v.Seal("test", []byte("NAME=value"), about)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, v *Vault, purpose string, sealed, about []byte) {
		t.Helper()
		if plain, err := v.Open(purpose, sealed, about); err == nil || plain != nil {
			t.Errorf("%s: opened as %q", what, plain)
		}
	}
	refused("another purpose", v, "tesT", sealed, about)
	refused("no purpose", v, "", sealed, about)
	refused("about another", v, "test", sealed, []byte("job 43"))
	refused("about nothing", v, "test", sealed, nil)
	refused("longer", v, "test", append(bytes.Clone(sealed), 0), about)
	for n := range sealed {
		refused(fmt.Sprintf("cut to %d", n), v, "test", sealed[:n], about)
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[n] ^= 1 << bit
			refused(fmt.Sprintf("byte %d bit %d", n, bit), v, "test", changed, about)
		}
	}
}

func TestVaultOtherKey(t *testing.T) {
	key := GenerateKey()
	sealed, err := NewVault(key).Seal("test", []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(sealed), strings.TrimPrefix(key.String(), "fleet-key:")) {
		t.Errorf("%q does not begin with the fingerprint of %v", sealed[:8], key)
	}
	_, err = NewVault(GenerateKey()).Open("test", sealed, nil)
	if !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), string(sealed[:8])) {
		t.Errorf("it says %v", err)
	}
	broken := bytes.Clone(sealed)
	broken[20] ^= 1
	if _, err := NewVault(key).Open("test", broken, nil); err == nil || errors.Is(err, ErrOtherKey) {
		t.Errorf("damage is %v", err)
	}
}

// What a former key has sealed opens, and what is sealed is under the present one.
func TestVaultFormerKey(t *testing.T) {
	former, present := GenerateKey(), GenerateKey()
	before, err := NewVault(former).Seal("test", []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVault(present, GenerateKey(), former)
	if plain, err := v.Open("test", before, nil); err != nil || string(plain) != "x" || v.IsCurrent(before) {
		t.Errorf("%q, %v; current: %v", plain, err, v.IsCurrent(before))
	}
	now, err := v.Seal("test", []byte("y"), nil)
	if err != nil || !v.IsCurrent(now) {
		t.Fatalf("what is sealed now is current: %v, %v", v.IsCurrent(now), err)
	}
	if plain, err := NewVault(present).Open("test", now, nil); err != nil || string(plain) != "y" {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestVaultNeverRepeats(t *testing.T) {
	v := NewVault(GenerateKey())
	var mu sync.Mutex
	var group sync.WaitGroup
	nonces := map[string]bool{}
	for range 8 {
		group.Go(func() {
			for range 500 {
				sealed, err := v.Seal("test", []byte("same"), nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				nonces[string(sealed[8:20])] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(nonces) != 4000 {
		t.Errorf("%d nonces for 4000 sealings", len(nonces))
	}
}

func TestVaultNeverShows(t *testing.T) {
	key := GenerateKey()
	v, secret := NewVault(key), key.secret()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{v, *v} {
			out := fmt.Sprintf(verb, value)
			if strings.Contains(out, hex.EncodeToString(secret[:4])) || strings.Contains(out, fmt.Sprint(secret[:4])[1:8]) {
				t.Errorf("%s shows the key: %s", verb, out)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a vault without a key")
		}
	}()
	NewVault(Key{})
}
