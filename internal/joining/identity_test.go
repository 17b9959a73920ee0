package joining

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// newMember is a worker that has joined f.
func newMember(t *testing.T, f *fleet) *Identity {
	t.Helper()
	i, err := NewIdentity()
	expect(t, err)
	c, err := f.authority.IssueWorker(&i.Key.PublicKey, "0123456789abcdef", "w1", 30*24*time.Hour, time.Now())
	expect(t, err)
	return &Identity{i.Key, c, f.authority.Certificate(), "orchard"}
}

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.pem")
	if _, err := LoadIdentity(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	fresh, err := NewIdentity()
	expect(t, err)
	for _, want := range []*Identity{fresh, newMember(t, newFleet(t))} {
		expect(t, want.Save(path))
		got, err := LoadIdentity(path)
		expect(t, err)
		if !bytes.Equal(got.PEM(), want.PEM()) || got.Joined() != want.Joined() || got.Fleet != want.Fleet || !got.Key.Equal(want.Key) {
			t.Errorf("%v was read as %v", want, got)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	expect(t, os.Chmod(path, 0o640))
	if _, err := LoadIdentity(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("that others may read: %v", err)
	}
}

func TestIdentitiesThatAreNone(t *testing.T) {
	f := newFleet(t)
	i, other := newMember(t, f), newMember(t, newFleet(t))
	wide, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	der, _ := x509.MarshalPKCS8PrivateKey(wide)
	key := string((&Identity{Key: i.Key}).PEM())
	certificates := strings.TrimPrefix(string(i.PEM()), key)
	leaf, authority, _ := strings.Cut(certificates, "-----END CERTIFICATE-----\n")
	leaf += "-----END CERTIFICATE-----\n"
	for what, text := range map[string]string{
		"nothing":              "",
		"no key":               certificates,
		"no authority":         key + leaf,
		"another key":          string((&Identity{Key: other.Key}).PEM()) + certificates,
		"another's":            key + strings.TrimPrefix(string(other.PEM()), string((&Identity{Key: other.Key}).PEM())),
		"another authority":    key + leaf + string(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: other.Authority.Raw})),
		"no fleet":             key + strings.Replace(certificates, "Fleet: orchard\n\n", "", 1),
		"a fleet of no word":   key + strings.Replace(certificates, "orchard", "or\tchard", 1),
		"two keys":             key + key + certificates,
		"one more":             key + certificates + authority,
		"something behind":     key + certificates + "x",
		"P-384":                string(pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})) + certificates,
		"a key of garbage":     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"another kind":         key + "-----BEGIN X-----\nAAAA\n-----END X-----\n",
		"too large":            key + strings.Repeat("\n", maxIdentity),
		"a large certificate":  key + string(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: make([]byte, maxCertificate+1)})),
		"garbage, certificate": key + "-----BEGIN CERTIFICATE-----\nFleet: a\n\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if i, err := parseIdentity([]byte(text)); err == nil {
			t.Errorf("%s: %v", what, i)
		}
	}
}

func TestIdentityNeverShows(t *testing.T) {
	i := newMember(t, newFleet(t))
	secret, err := i.Key.Bytes()
	expect(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, value := range []any{i, struct{ I *Identity }{i}, []*Identity{i}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, fmt.Sprintf("%x", secret[:4])) {
				t.Errorf("%s shows the key: %s", verb, got)
			}
		}
	}
}

func TestRenewed(t *testing.T) {
	f := newFleet(t)
	i := newMember(t, f)
	if at, want := i.RenewAt(), i.Certificate.NotAfter.Add(-10*24*time.Hour); !at.Equal(want) {
		t.Errorf("renewed at %v, want %v", at, want)
	}
	next, err := security.NewAuthority(time.Now())
	expect(t, err)
	issue := func(a *security.Authority, key *ecdsa.PublicKey, id, name string, life time.Duration) []byte {
		c, err := a.IssueWorker(key, id, name, life, time.Now().Add(-time.Minute))
		expect(t, err)
		return c.Raw
	}
	const id = "0123456789abcdef"
	own := &i.Key.PublicKey
	for what, test := range map[string]struct {
		certificate []byte
		authority   *security.Authority
		good        bool
	}{
		"by the same authority": {issue(f.authority, own, id, "w1", time.Hour), f.authority, true},
		"by the next one":       {issue(next, own, id, "w1", time.Hour), next, true},
		"by another than said":  {issue(f.authority, own, id, "w1", time.Hour), next, false},
		"another key":           {issue(f.authority, &newMember(t, f).Key.PublicKey, id, "w1", time.Hour), f.authority, false},
		"another id":            {issue(f.authority, own, "fedcba9876543210", "w1", time.Hour), f.authority, false},
		"another name":          {issue(f.authority, own, id, "w2", time.Hour), f.authority, false},
		"over":                  {issue(f.authority, own, id, "w1", time.Second), f.authority, false},
		"garbage":               {[]byte("garbage"), f.authority, false},
	} {
		fresh, err := i.Renewed(test.certificate, test.authority.Certificate().Raw, time.Now())
		if (err == nil) != test.good {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && (fresh.Fleet != "orchard" || fresh.Key != i.Key || !bytes.Equal(fresh.TLS().Certificate[0], test.certificate)) {
			t.Errorf("%s: %v", what, fresh)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	i, _ := NewIdentity()
	f.Add(i.PEM())
	a, _ := security.NewAuthority(time.Now())
	c, _ := a.IssueWorker(&i.Key.PublicKey, "0123456789abcdef", "w1", time.Hour, time.Now())
	f.Add((&Identity{i.Key, c, a.Certificate(), "orchard"}).PEM())
	f.Fuzz(func(t *testing.T, text []byte) {
		i, err := parseIdentity(text)
		if err != nil {
			return
		}
		again, err := parseIdentity(i.PEM())
		if err != nil || !bytes.Equal(again.PEM(), i.PEM()) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
