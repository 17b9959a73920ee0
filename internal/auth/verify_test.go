package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestVerifyGood shows that what the attacks start from is accepted.
func TestVerifyGood(t *testing.T) {
	for what, token := range map[string]string{
		"by hand":                 forge(key1, testHeader, testClaims),
		"with white space inside": forge(key1, "{ \"kid\":\"k1\",\n\"typ\":\"at+jwt\", \"alg\":\"EdDSA\" }", strings.ReplaceAll(testClaims, ",", " , ")),
		"a later version's claim": forge(key1, testHeader, strings.Replace(testClaims, "{", `{"later":[{"a":1}],`, 1)),
		"escaped":                 forge(key1, testHeader, strings.Replace(testClaims, `"ann"`, `"\u0061nn"`, 1)),
	} {
		got, err := testRing(t).Verify(token, testNow)
		if err != nil || *got != goodClaims() {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	got, err := testRing(t).Verify(forge(key2, strings.Replace(testHeader, "k1", "k2", 1), testClaims), testNow)
	if err != nil || *got != goodClaims() {
		t.Errorf("by the other key: %+v, %v", got, err)
	}
}

func refuse(t *testing.T, k *Keyring, what, token string, now time.Time) {
	t.Helper()
	claims, err := k.Verify(token, now)
	if claims != nil || !errors.Is(err, octaskly.ErrUnknown) {
		t.Errorf("%s: %+v, %v", what, claims, err)
	}
}

func TestVerifyTimes(t *testing.T) {
	k, token := testRing(t), forge(key1, testHeader, testClaims)
	for now, good := range map[int64]bool{0: false, 999_969: false, 999_970: true, 1_000_899: true, 1_000_900: false, 1_000_929: false, 4_000_000_000: false} {
		if _, err := k.Verify(token, time.Unix(now, 0)); (err == nil) != good {
			t.Errorf("at %d: %v", now, err)
		}
	}
	if _, err := k.Verify(token, time.Unix(1_000_899, 999_999_999)); err != nil {
		t.Error(err)
	}
}

// TestVerifyOtherFleet: one key on the rings of two fleets is no way between them.
func TestVerifyOtherFleet(t *testing.T) {
	other := NewKeyring("octaskly:other")
	if err := other.Add("k1", key1, time.Time{}); err != nil {
		t.Fatal(err)
	}
	refuse(t, other, "another fleet's", forge(key1, testHeader, testClaims), testNow)
	refuse(t, NewKeyring(testIssuer), "no keys", forge(key1, testHeader, testClaims), testNow)
}
