package joining

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// Identity is what a worker is in its fleet: a key of its own, and the fleet's word
// for it. However it is printed, the key does not show. It is never changed.
type Identity struct {
	Key         *ecdsa.PrivateKey
	Certificate *x509.Certificate // nil, with the rest, if it has not joined
	Authority   *x509.Certificate // that signed it
	Fleet       string
}

// NewIdentity has a new key of P-256, and has not joined.
func NewIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot generate a worker's key: %w", err)
	}
	return &Identity{Key: key}, nil
}

// Joined reports whether there is a certificate, whether or not it is over.
func (i *Identity) Joined() bool { return i.Certificate != nil }

// RenewAt is when two thirds of the certificate's life are over.
func (i *Identity) RenewAt() time.Time {
	from, until := security.IssuedAt(i.Certificate), i.Certificate.NotAfter
	return from.Add(until.Sub(from) / 3 * 2)
}

// TLS is the certificate as a client shows it.
func (i *Identity) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.Certificate.Raw}, PrivateKey: i.Key, Leaf: i.Certificate}
}

// Format writes who it is, whatever the verb: the key never shows.
func (i *Identity) Format(f fmt.State, _ rune) {
	if !i.Joined() {
		io.WriteString(f, "identity of nobody yet")
		return
	}
	fmt.Fprintf(f, "identity of %q in %q", i.Certificate.Subject.CommonName, i.Fleet)
}

// Renewed is i with what a protocol.Renewed brings: a fresh certificate of the same key, id
// and name, and who signed it.
func (i *Identity) Renewed(certificate, authority []byte, now time.Time) (*Identity, error) {
	fresh, err := i.renewed(certificate, authority, now)
	if err != nil {
		return nil, fmt.Errorf("cannot renew the worker's certificate: %w", err)
	}
	return fresh, nil
}

func (i *Identity) renewed(certificate, authority []byte, now time.Time) (*Identity, error) {
	by, err := parseCertificate(authority)
	if err != nil {
		return nil, err
	}
	fresh, err := i.with(certificate, by, now)
	if err != nil {
		return nil, err
	}
	was, is := i.Certificate, fresh.Certificate
	if is.Subject.CommonName != was.Subject.CommonName || is.URIs[0].String() != was.URIs[0].String() {
		return nil, errors.New("it is another worker's")
	}
	return fresh, nil
}

// with is i with a certificate, of its key and good now, that authority has signed.
func (i *Identity) with(der []byte, authority *x509.Certificate, now time.Time) (*Identity, error) {
	certificate, err := parseCertificate(der)
	if err != nil {
		return nil, err
	}
	fresh := &Identity{i.Key, certificate, authority, i.Fleet}
	if _, err := fresh.peer(now); err != nil {
		return nil, err
	}
	return fresh, fresh.check()
}

// peer is whom the certificate names, as the dispatcher will see it.
func (i *Identity) peer(now time.Time) (security.Peer, error) {
	return security.VerifyWorker([]*x509.Certificate{i.Certificate}, []*x509.Certificate{i.Authority}, now)
}

// check looks at what is true of an identity at any time.
func (i *Identity) check() error {
	if !i.Key.PublicKey.Equal(i.Certificate.PublicKey) {
		return errors.New("the certificate is one of another key")
	}
	return i.Certificate.CheckSignatureFrom(i.Authority)
}

const maxCertificate = 3 << 10 // bytes in DER

func parseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > maxCertificate {
		return nil, fmt.Errorf("a certificate of %d bytes is larger than %d", len(der), maxCertificate)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot read a certificate: %w", err)
	}
	return c, nil
}
