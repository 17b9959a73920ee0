package security

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

var authorityStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newTestAuthority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority(authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthority(t *testing.T) {
	c := newTestAuthority(t).Certificate()
	if !c.IsCA || !c.BasicConstraintsValid || c.MaxPathLen != 0 || !c.MaxPathLenZero || c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("it is CA %v, path length %d, usage %b", c.IsCA, c.MaxPathLen, c.KeyUsage)
	}
	if !c.NotBefore.Equal(authorityStart.Add(-clockSlack)) || !c.NotAfter.Equal(authorityStart.AddDate(10, 0, 0)) {
		t.Errorf("it is good from %v to %v", c.NotBefore, c.NotAfter)
	}
	if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("its key is %T", c.PublicKey)
	}
	if newTestAuthority(t).Certificate().SerialNumber.Cmp(c.SerialNumber) == 0 {
		t.Error("two authorities have one serial number")
	}
}

func TestIssueServer(t *testing.T) {
	a := newTestAuthority(t)
	names := []string{"fleet.example", "FLEET.example", "localhost", "host_1", "127.0.0.1", "::ffff:127.0.0.1", "fd00::1"}
	serials := map[string]bool{}
	for range 20 {
		issued, err := a.IssueServer(names, 90*24*time.Hour, authorityStart)
		if err != nil {
			t.Fatal(err)
		}
		leaf := issued.Leaf
		if got := fmt.Sprint(leaf.DNSNames, leaf.IPAddresses); got != "[fleet.example localhost host_1] [127.0.0.1 fd00::1]" {
			t.Errorf("names: %s", got)
		}
		if leaf.IsCA || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) || leaf.KeyUsage != x509.KeyUsageDigitalSignature {
			t.Errorf("CA %v, usage %v %b", leaf.IsCA, leaf.ExtKeyUsage, leaf.KeyUsage)
		}
		if !leaf.NotAfter.Equal(authorityStart.Add(90*24*time.Hour)) || leaf.SerialNumber.Sign() <= 0 || leaf.SerialNumber.BitLen() > 128 || leaf.SerialNumber.BitLen() < 121 {
			t.Errorf("until %v, serial %v", leaf.NotAfter, leaf.SerialNumber)
		}
		serials[leaf.SerialNumber.String()] = true
	}
	if len(serials) != 20 {
		t.Errorf("%d serial numbers for 20 certificates", len(serials))
	}
}

func TestIssueServerRefuses(t *testing.T) {
	a := newTestAuthority(t)
	for _, names := range [][]string{
		nil, {""}, {"*.example"}, {"a b"}, {"a..b"}, {".a"}, {"a."}, {"-a"}, {"a-"}, {"fe80::1%eth0"}, {"a:443"}, {"https://a"}, {"a/b"}, {"a\x00b"}, {"ä.example"},
		{"good", strings.Repeat("a", 64)}, {strings.Repeat("a.", 127) + "a"}, slices.Repeat([]string{"a"}, 65),
	} {
		if c, err := a.IssueServer(names, time.Hour, authorityStart); err == nil {
			t.Errorf("%.60q: %v", names, c.Leaf.DNSNames)
		}
	}
	if _, err := a.IssueServer([]string{"a"}, 0, authorityStart); err == nil {
		t.Error("a life of nothing")
	}
	if _, err := a.IssueServer([]string{"a"}, time.Hour, authorityStart.AddDate(10, 0, 1)); err == nil {
		t.Error("an authority that is over signs")
	}
	c, err := a.IssueServer([]string{"a"}, 365*24*time.Hour, authorityStart.AddDate(9, 9, 0))
	if err != nil || !c.Leaf.NotAfter.Equal(a.Certificate().NotAfter) {
		t.Errorf("a certificate outlives its authority: %v %v", c.Leaf, err)
	}
}

// TestServerHandshake does TLS 1.3 with a client that trusts one authority.
func TestServerHandshake(t *testing.T) {
	a := newTestAuthority(t)
	server, err := a.IssueServer([]string{"fleet.example", "10.1.2.3", "fd00::1"}, 90*24*time.Hour, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, test := range []struct {
		what  string
		trust *Authority
		name  string
		after time.Duration
		good  bool
	}{
		{"by name", a, "fleet.example", 0, true},
		{"by address", a, "10.1.2.3", 0, true},
		{"by address of IPv6", a, "fd00::1", 0, true},
		{"a clock that is behind", a, "fleet.example", time.Minute - clockSlack, true},
		{"near its end", a, "fleet.example", 89 * day, true},
		{"after its end", a, "fleet.example", 91 * day, false},
		{"before its begin", a, "fleet.example", -time.Minute - clockSlack, false},
		{"another name", a, "other.example", 0, false},
		{"another address", a, "10.1.2.4", 0, false},
		{"another authority", newTestAuthority(t), "fleet.example", 0, false},
	} {
		chain, err := handshake(t, server, test.trust, test.name, authorityStart.Add(test.after))
		if (err == nil) != test.good {
			t.Errorf("%s: %v", test.what, err)
		}
		if err == nil && Fingerprint(chain[len(chain)-1]) != Fingerprint(a.Certificate()) {
			t.Errorf("%s: the authority is not in the chain", test.what)
		}
	}
}

func handshake(t *testing.T, certificate tls.Certificate, trust *Authority, name string, now time.Time) ([]*x509.Certificate, error) {
	t.Helper()
	here, there := net.Pipe()
	done := make(chan error)
	go func() {
		done <- tls.Server(there, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}).Handshake()
	}()
	roots := x509.NewCertPool()
	roots.AddCert(trust.Certificate())
	client := tls.Client(here, &tls.Config{RootCAs: roots, ServerName: name, Time: func() time.Time { return now }})
	// net.Pipe has no buffer: the server's tickets need a reader.
	err := client.Handshake()
	if err == nil {
		go client.Read(make([]byte, 1))
	} else {
		here.Close()
	}
	<-done
	here.Close()
	there.Close()
	return client.ConnectionState().PeerCertificates, err
}

// TestIssuedSignsNobody: neither a server nor an authority below can pass for one.
func TestIssuedSignsNobody(t *testing.T) {
	a := newTestAuthority(t)
	server, err := a.IssueServer([]string{"fleet.example"}, time.Hour, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	below := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "below"}, NotBefore: authorityStart, NotAfter: authorityStart.Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, below, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	below, _ = x509.ParseCertificate(der)
	for what, signer := range map[string]*Authority{
		"a server":           {server.Leaf, server.PrivateKey.(*ecdsa.PrivateKey)},
		"an authority below": {below, key},
	} {
		forged, err := signer.IssueServer([]string{"bank.example"}, time.Minute, authorityStart)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := handshake(t, forged, a, "bank.example", authorityStart); err == nil {
			t.Errorf("%s can sign", what)
		}
	}
	if _, err := server.Leaf.Verify(x509.VerifyOptions{Roots: poolOf(a), CurrentTime: authorityStart, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("a server's certificate is one of a client")
	}
}

func poolOf(a *Authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	return pool
}

func TestParseAuthority(t *testing.T) {
	a, other := newTestAuthority(t), newTestAuthority(t)
	certificate, key := a.PEM()
	otherCertificate, otherKey := other.PEM()
	for _, text := range []string{string(certificate) + string(key), string(key) + string(certificate) + "\n"} {
		again, err := ParseAuthority([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		server, err := again.IssueServer([]string{"a"}, time.Hour, authorityStart)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := handshake(t, server, a, "a", authorityStart); err != nil {
			t.Error(err)
		}
	}
	server, err := a.IssueServer([]string{"a"}, time.Hour, authorityStart)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, _ := ed25519.GenerateKey(nil)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return block("PRIVATE KEY", der)
	}
	wide := *a.certificate
	wide.MaxPathLen, wide.MaxPathLenZero = 0, false // of any length
	der, err := x509.CreateCertificate(rand.Reader, &wide, &wide, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, k := string(certificate), string(key)
	for what, text := range map[string]string{
		"nothing":                "",
		"no key":                 c,
		"no certificate":         k,
		"another's key":          c + string(otherKey),
		"another's certificate":  string(otherCertificate) + k,
		"two certificates":       c + string(otherCertificate) + k,
		"two keys":               c + k + string(otherKey),
		"something behind":       c + k + "x",
		"one of authorities":     block("CERTIFICATE", der) + k,
		"a server's":             block("CERTIFICATE", server.Certificate[0]) + pkcs8(server.PrivateKey),
		"a key of Ed25519":       c + pkcs8(edwards),
		"a key that is garbage":  c + block("PRIVATE KEY", []byte("garbage")),
		"a certificate likewise": block("CERTIFICATE", []byte("garbage")) + k,
		"an unknown block":       c + k + block("DH PARAMETERS", []byte("x")),
	} {
		if _, err := ParseAuthority([]byte(text)); err == nil {
			t.Errorf("%s is an authority", what)
		}
	}
}

func TestFingerprint(t *testing.T) {
	c := newTestAuthority(t).Certificate()
	sum := sha256.Sum256(c.Raw)
	if got, want := Fingerprint(c), "SHA256:"+base64.RawURLEncoding.EncodeToString(sum[:]); got != want || len(got) != 50 {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAuthorityNeverShows(t *testing.T) {
	a := newTestAuthority(t)
	secret, err := a.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, a); got != "authority "+Fingerprint(a.Certificate()) {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, struct{ A *Authority }{a}); strings.Contains(got, fmt.Sprintf("%x", secret[:4])) {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}
