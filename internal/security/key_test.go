package security

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestDerive(t *testing.T) {
	key := GenerateKey()
	if got := key.Derive("a"); len(got) != 32 || !bytes.Equal(got, key.Derive("a")) {
		t.Errorf("%x is not 32 bytes, or not always the same", got)
	}
	if bytes.Equal(key.Derive("a"), key.Derive("b")) {
		t.Error("two labels give the same key")
	}
	if bytes.Equal(key.Derive("a"), GenerateKey().Derive("a")) {
		t.Error("two keys give the same key")
	}
}

// TestKnownAnswers pins what old and new versions must agree on. The values are
// from Python's hmac and hashlib.
func TestKnownAnswers(t *testing.T) {
	key := newKey([32]byte([]byte("0123456789abcdef0123456789abcdef")))
	if got, want := hex.EncodeToString(key.Derive("label")), "2ff22ab9733a4d87e90d95c4054b84646b26a40b6792566004fae06a0ee18e48"; got != want {
		t.Errorf("Derive: %s, want %s", got, want)
	}
	if got, want := key.String(), "fleet-key:bcaffecb"; got != want {
		t.Errorf("String: %s, want %s", got, want)
	}
	proof := Prove(key, Worker, []byte("exporter"))
	if got, want := hex.EncodeToString(proof[:]), "8515c3cd925e169423c638066ec8e51b978c637eae7cf1ddb3c60ed786fc2555"; got != want {
		t.Errorf("Prove: %s, want %s", got, want)
	}
}

func TestZeroKey(t *testing.T) {
	if !(Key{}).IsZero() || GenerateKey().IsZero() {
		t.Error("IsZero is wrong")
	}
	if got := fmt.Sprint(Key{}); got != "fleet-key:none" {
		t.Errorf("it prints %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a zero key can be used")
		}
	}()
	Prove(Key{}, Worker, nil)
}

// TestKeyNeverShows prints a key in every way that people print things.
func TestKeyNeverShows(t *testing.T) {
	key := GenerateKey()
	inside := struct {
		Name   string
		Key    Key
		hidden Key
		ptr    *Key
		list   []Key
	}{"fleet", key, key, &key, []Key{key}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "% x"} {
		for _, value := range []any{key, &key, inside, &inside, []Key{key}, map[string]Key{"k": key}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("key", "key", key, "ptr", &key, "inside", inside)
	}
	text, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)

	array := key.secret()
	secret := array[:]
	for _, form := range []string{
		string(secret[:8]),
		hex.EncodeToString(secret[:4]),
		fmt.Sprintf("% x", secret[:4]),
		fmt.Sprint(secret[:4])[1:8],
		fmt.Sprintf("%#v", secret[:3])[7:20],
		base64.RawURLEncoding.EncodeToString(secret[:6]),
		base64.RawStdEncoding.EncodeToString(secret[:6]),
	} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(form)) {
			t.Errorf("the key shows as %q in %s", form, out.String())
		}
	}
	if !regexp.MustCompile(`^fleet-key:[0-9a-f]{8}$`).MatchString(key.String()) {
		t.Errorf("fingerprint %q", key)
	}
}
