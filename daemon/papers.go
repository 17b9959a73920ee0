package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// papersFile is the identity's name in a worker's state directory.
const papersFile = "identity.pem"

// papers are the identity of a worker, in a file and in memory: a key from its first
// start on, and a certificate from its joining on.
type papers struct {
	path    string
	held    atomic.Pointer[joining.Identity]
	present atomic.Pointer[x509.Certificate] // the authority that the fleet has now, when last seen
}

func openPapers(path string) (*papers, error) {
	p := &papers{path: path}
	identity, err := joining.LoadIdentity(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, p.begin()
	}
	if err != nil {
		return nil, err
	}
	p.held.Store(identity)
	return p, nil
}

// begin takes a new key, with which it has not joined.
func (p *papers) begin() error {
	fresh, err := joining.NewIdentity()
	if err != nil {
		return err
	}
	return p.keep(fresh)
}

// keep has identity on disk before anybody sees it.
func (p *papers) keep(identity *joining.Identity) error {
	if err := identity.Save(p.path); err != nil {
		return err
	}
	p.held.Store(identity)
	return nil
}

// good reports whether there is a certificate, now, for a worker of this id and name.
func (p *papers) good(id octaskly.WorkerID, name string, now time.Time) bool {
	held := p.held.Load()
	if !held.Joined() {
		return false
	}
	peer, err := security.VerifyWorker([]*x509.Certificate{held.Certificate}, p.authorities(), now)
	return err == nil && peer.ID == string(id) && peer.Name == name
}

// authorities are those by which dispatchers are known; empty before the worker has
// joined.
func (p *papers) authorities() []*x509.Certificate {
	if held := p.held.Load(); held.Joined() {
		return []*x509.Certificate{held.Authority}
	}
	return nil
}

// credentials are what the worker shows, and what it wants to see.
func (p *papers) credentials() *transport.Credentials {
	return &transport.Credentials{
		Certificate: func() (*tls.Certificate, error) {
			shown := p.held.Load().TLS()
			return &shown, nil
		},
		Roots: p.authorities,
		Seen:  func(chain []*x509.Certificate) { p.present.Store(chain[len(chain)-1]) },
	}
}

// renewAt is when the certificate is to be renewed: at two thirds of its life, or at once if
// its authority is a former one.
func (p *papers) renewAt() time.Time {
	held := p.held.Load()
	if present := p.present.Load(); present != nil && present.IsCA && !present.Equal(held.Authority) {
		return time.Time{}
	}
	return held.RenewAt()
}
