package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/security"
)

// The authority is made once, and its key is nowhere to be read.
func TestAuthorityStays(t *testing.T) {
	dir, key := t.TempDir(), security.GenerateKey()
	made, err := openAuthorities(dir, security.NewVault(key), quiet)
	if err != nil {
		t.Fatal(err)
	}
	again, err := openAuthorities(dir, security.NewVault(key), quiet)
	if err != nil || !again.present().Certificate().Equal(made.present().Certificate()) {
		t.Fatalf("loaded again it is another one: %v", err)
	}
	path := filepath.Join(dir, backup.Authority)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, secret := made.present().PEM()
	block, _ := pem.Decode(secret)
	if bytes.Contains(text, block.Bytes) || bytes.Contains(text, secret) {
		t.Error("its key is in the file as it is")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

func TestAuthorityRefuses(t *testing.T) {
	key := security.GenerateKey()
	dir := t.TempDir()
	if _, err := openAuthorities(dir, security.NewVault(key), quiet); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, backup.Authority)
	good, _ := os.ReadFile(path)
	if _, err := openAuthorities(dir, security.NewVault(security.GenerateKey()), quiet); !errors.Is(err, security.ErrOtherKey) || !strings.Contains(err.Error(), "put that key back, or move authority.pem away") {
		t.Errorf("with another fleet key: %v", err)
	}
	other, _ := openAuthorities(t.TempDir(), security.NewVault(key), quiet)
	certificate, _ := other.present().PEM()
	_, sealed := pem.Decode(good)
	for name, text := range map[string][]byte{
		"empty": nil, "cut": good[:len(good)/2], "with more": append(bytes.Clone(good), "x"...), "of two": append(certificate, sealed...),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openAuthorities(dir, security.NewVault(key), quiet); err == nil {
			t.Errorf("an authority that is %s is used", name)
		}
	}
}

// The authority stays when the fleet key is rotated, and needs the former one no more.
func TestAuthorityOutlivesFleetKey(t *testing.T) {
	dir, keys := t.TempDir(), security.NewKeys(security.GenerateKey())
	made, err := openAuthorities(dir, keys.Vault(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	made.rotate(t, false)
	if keys, err = keys.Rotated(true, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := openAuthorities(dir, keys.Vault(), quiet); err != nil {
		t.Fatal(err)
	}
	again, err := openAuthorities(dir, security.NewVault(keys.Present()), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(again.roots(), made.roots(), (*x509.Certificate).Equal) {
		t.Error("they are others")
	}
}

// rotate gives a fleet another authority.
func (a *authorities) rotate(t *testing.T, distrust bool) {
	t.Helper()
	if _, _, err := turn(a.path, a.vault, distrust); err != nil {
		t.Fatal(err)
	}
	a.reload()
}

// shownTo is the chain that a worker sees which knows that authority.
func shownTo(t *testing.T, a *authorities, knows *x509.Certificate) (chain []*x509.Certificate) {
	t.Helper()
	shown, err := a.certificate(&tls.ClientHelloInfo{ServerName: security.AuthorityName(knows)})
	if err != nil {
		t.Fatal(err)
	}
	for _, der := range shown.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

// Who knows a former authority is shown a certificate of it, and the present one, until
// that is over.
func TestRotation(t *testing.T) {
	dir, vault := t.TempDir(), security.NewVault(security.GenerateKey())
	synctest.Test(t, func(t *testing.T) {
		a, err := openAuthorities(dir, vault, quiet)
		if err != nil {
			t.Fatal(err)
		}
		first := a.present().Certificate()
		if chain := shownTo(t, a, first); len(chain) != 2 {
			t.Errorf("a chain of %d before there is a former one", len(chain))
		}
		a.rotate(t, false)
		second := a.present().Certificate()
		chain := shownTo(t, a, first)
		if err := security.VerifyDispatcher(chain, []*x509.Certificate{first}, time.Now()); err != nil || len(chain) != 3 || !chain[2].Equal(second) {
			t.Errorf("who knows the former one sees %d certificates: %v", len(chain), err)
		}
		if len(a.roots()) != 2 || a.signer(first) == nil || a.signer(second) != a.present() {
			t.Errorf("%d roots", len(a.roots()))
		}
		chain = shownTo(t, a, second)
		if err := security.VerifyDispatcher(chain, []*x509.Certificate{second}, time.Now()); err != nil || len(chain) != 2 {
			t.Errorf("who knows the present one sees %d certificates: %v", len(chain), err)
		}
		time.Sleep(formerLife)
		if len(a.roots()) != 1 || a.signer(first) != nil || a.named(security.AuthorityName(first)).Authority != a.present() {
			t.Error("a former one counts for ever")
		}
		a.rotate(t, true)
		if len(a.roots()) != 1 || a.present().Certificate().Equal(second) {
			t.Error("a distrusted one counts")
		}
	})
}

func TestRotationIsBounded(t *testing.T) {
	var all []*authority
	for range maxAuthorities {
		next, err := rotated(all, false, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		all = next
	}
	if _, err := rotated(all, false, time.Now()); err == nil {
		t.Error("there is one too many")
	}
	if next, err := rotated(all, true, time.Now()); err != nil || len(next) != 1 {
		t.Errorf("%d, %v", len(next), err)
	}
}

// The time until which a former authority counts is under the seal, and so is which is the present one.
func TestFormerAuthorityRefuses(t *testing.T) {
	dir, vault := t.TempDir(), security.NewVault(security.GenerateKey())
	a, err := openAuthorities(dir, vault, quiet)
	if err != nil {
		t.Fatal(err)
	}
	a.rotate(t, false)
	good, _ := os.ReadFile(a.path)
	former := bytes.LastIndex(good, []byte("-----BEGIN CERTIFICATE"))
	year := (*a.all.Load())[1].until.UTC().Format("Until: 2006")
	for name, text := range map[string][]byte{
		"longer":          bytes.Replace(good, []byte(year), []byte("Until: 2999"), 1),
		"the other order": append(bytes.Clone(good[former:]), good[:former]...),
		"twice":           append(bytes.Clone(good[:former]), good[:former]...),
		"a former alone":  good[former:],
	} {
		if bytes.Equal(text, good) {
			t.Fatalf("%s is the file itself", name)
		}
		if _, err := parseAuthorities(text, vault); err == nil {
			t.Errorf("%s: it is used", name)
		}
		if err := os.WriteFile(a.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before := a.present()
		if a.reload(); a.present() != before {
			t.Errorf("%s: it counts", name)
		}
	}
}

func TestRotateNothing(t *testing.T) {
	c := &config.Dispatcher{}
	c.StateDir = t.TempDir()
	if _, _, err := security.LoadOrCreateKeyFile(filepath.Join(c.StateDir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if err := rotate(c, false, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "makes one when it starts") {
		t.Error(err)
	}
}
