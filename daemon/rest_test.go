package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

var quiet = slog.New(slog.DiscardHandler)

// A server's certificate names what it was told to and this machine, and is
// renewed in time.
func TestOwnCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority, err := security.NewAuthority(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		own := serverCertificate(func() *security.Authority { return authority }, []string{"queue.example", "192.0.2.7", "localhost"})
		first, err := own.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(first.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"queue.example", "192.0.2.7", "localhost", "127.0.0.1", "::1"} {
			if err := leaf.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(certificateLife*2/3 - time.Second)
		if same, _ := own.get(nil); same != first {
			t.Error("it is renewed before its time")
		}
		time.Sleep(2 * time.Second)
		if fresh, err := own.get(nil); err != nil || fresh == first {
			t.Errorf("it is not renewed: %v", err)
		}
	})
}

// A pair of files is read again when it has changed, and a broken one changes
// nothing, until it is mended.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put := func(name string) {
		certText, keyText := pair(t, name)
		for path, text := range map[string][]byte{cert: certText, key: keyText} {
			if err := errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := openCertificateFiles(cert, key, quiet); err == nil || !strings.Contains(err.Error(), "tls_cert and tls_key") {
		t.Errorf("files that are not there: %v", err)
	}
	put("one")
	f, err := openCertificateFiles(cert, key, quiet)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want string) {
		t.Helper()
		f.looked = time.Time{} // as after a second
		got, err := f.get(nil)
		if err != nil || got.Leaf.Subject.CommonName != want {
			t.Errorf("it shows %v, %v; want %s", got.Leaf.Subject, err, want)
		}
	}
	shows("one")
	put("two")
	shows("two")
	if err := os.WriteFile(key, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	shows("two")
	os.Remove(cert)
	shows("two")
	put("three")
	shows("three")
}

func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
