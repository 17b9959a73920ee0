package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"time"
)

const authorityYears = 10

// Authority signs the certificates of a fleet's servers and workers. Whoever knows its own
// certificate, or only the Fingerprint of that, knows the servers.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns one with a new P-256 key, good for ten years from now.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot generate an authority's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: "octaskly fleet authority"},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it signs servers and workers, no further authorities
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("cannot sign an authority's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot read an authority's certificate: %w", err)
	}
	return &Authority{certificate, key}, nil
}

// Certificate is the authority's own, which clients pin.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Format writes the fingerprint, whatever the verb: the key never shows.
func (a *Authority) Format(f fmt.State, _ rune) {
	io.WriteString(f, "authority "+Fingerprint(a.certificate))
}

// clockSlack is how much a clock may be behind, be it wrong or set back: that a
// certificate is young is no danger.
const clockSlack = 366 * 24 * time.Hour

// IssuedAt is when a certificate of ours was signed.
func IssuedAt(c *x509.Certificate) time.Time { return c.NotBefore.Add(clockSlack) }

// newSerial returns 128 random bits, of which none repeat.
func newSerial() *big.Int {
	var bits [16]byte
	rand.Read(bits[:])
	bits[0] |= 1 // never zero, and always of this length
	return new(big.Int).SetBytes(bits[:])
}
