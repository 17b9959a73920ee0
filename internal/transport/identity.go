package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

var (
	// ErrRemoved says that an operator has removed this worker: it is let in again
	// by an operator alone.
	ErrRemoved = errors.New("this worker was removed")
	// ErrRevoked says that the dispatcher does not take the worker's certificate any
	// more. A new one is had by joining anew.
	ErrRevoked = errors.New("the dispatcher does not take this worker's certificate; it must join anew")
	// ErrTooOld says that the dispatcher knows the fleet key and no certificates.
	ErrTooOld = errors.New("the dispatcher is of a version that knows no certificates; install the same version on both machines")
)

// Identity is who a worker is, by a certificate of the fleet's authority.
type Identity struct {
	ID          octaskly.WorkerID
	Name        string
	Certificate *x509.Certificate
}

// Authority is what a listener must have of the fleet's authority to know workers by
// their certificates, and to be known. Both may change while it listens. A worker asks,
// by security.AuthorityName, for a certificate of the authority that it knows; the chain may
// end with the one that it is to know from now on.
type Authority struct {
	Roots       func() []*x509.Certificate
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Credentials are what a worker has that has joined. Both may change while a
// session lasts, whose bulk channels show what there is by then.
type Credentials struct {
	Certificate func() (*tls.Certificate, error)
	Roots       func() []*x509.Certificate
	Seen        func(chain []*x509.Certificate) // that a dispatcher of one of Roots has shown; may be nil
}

// own is what a worker's session says of the worker itself.
func (c Config) own() *Identity {
	if c.Credentials == nil {
		return nil
	}
	shown, err := c.Credentials.Certificate()
	if err != nil || shown.Leaf == nil {
		return nil
	}
	who, err := identify([]*x509.Certificate{shown.Leaf}, c.Credentials.Roots())
	if err != nil {
		return nil
	}
	return who
}

// identify finds out whose certificate this is, who has shown that he has its key.
func identify(chain, roots []*x509.Certificate) (*Identity, error) {
	peer, err := security.VerifyWorker(chain, roots, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCertificate, err)
	}
	return &Identity{octaskly.WorkerID(peer.ID), peer.Name, peer.Certificate}, nil
}

// sameWorker reports whether a and b, of which either may be nil, are one worker:
// its certificate may have been renewed in between.
func sameWorker(a, b *Identity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Name == b.Name && bytes.Equal(a.Certificate.RawSubjectPublicKeyInfo, b.Certificate.RawSubjectPublicKeyInfo)
}
