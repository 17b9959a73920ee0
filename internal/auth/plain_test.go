package auth

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzParsePlain: what parsePlain takes, the whole parser takes for the same.
func FuzzParsePlain(f *testing.F) {
	for _, text := range []string{testHeader, testClaims, `{}`, `{"a":1,}`, `{"a":01}`, `{"a":0,"b":""}`, `{"a":1,"a":2}`, `{"a":-1}`, `{"a":"\u0061"}`, `{"a":"é"}`, `{"a" :1}`, `{"a":}`, `{"":1}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain, ok := parsePlain(text)
		if !ok {
			return
		}
		whole, err := parseAny([]byte(text))
		if err != nil || !maps.EqualFunc(plain, whole, slices.Equal) {
			t.Errorf("%q is plain %v, and %v (%v)", text, plain, whole, err)
		}
		for name := range whole {
			got, err := plain.text(name, 1<<20)
			var want string
			if wantErr := json.Unmarshal(whole[name], &want); (err == nil) != (wantErr == nil && want != "") || err == nil && got != want {
				t.Errorf("%q of %q is %q (%v), want %q", name, text, got, err, want)
			}
		}
	})
}

// TestParsePlain: what Sign makes is plain, or it would all be for nothing.
func TestParsePlain(t *testing.T) {
	k := testRing(t)
	c := goodClaims()
	c.NotBefore, c.ExpiresAt = testNow, testNow.Add(1e12)
	token, err := k.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, segment := range strings.Split(token, ".")[:2] {
		if _, ok := parsePlain(unbase64(t, segment)); !ok {
			t.Errorf("%s is not plain", segment)
		}
	}
}
