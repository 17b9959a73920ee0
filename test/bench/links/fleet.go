package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// fleet is what sessions by certificates need. Both processes read it from one directory.
type fleet struct {
	key       security.Key
	authority *security.Authority
}

const life = time.Hour // of certificates

func makeFleet(dir string) (*fleet, error) {
	keys, _, err := security.LoadOrCreateKeyFile(filepath.Join(dir, "fleet.key"))
	if err != nil {
		return nil, err
	}
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		return nil, err
	}
	certificate, key := authority.PEM()
	err = security.WritePrivate(filepath.Join(dir, "authority.pem"), append(certificate, key...))
	return &fleet{keys.Present(), authority}, err
}

func loadFleet(dir string) (*fleet, error) {
	key, err := security.LoadKeyFile(filepath.Join(dir, "fleet.key"))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "authority.pem"))
	if err != nil {
		return nil, err
	}
	authority, err := security.ParseAuthority(text)
	return &fleet{key, authority}, err
}

func (f *fleet) roots() []*x509.Certificate { return []*x509.Certificate{f.authority.Certificate()} }

// listener is the configuration of a dispatcher.
func (f *fleet) listener() (transport.Config, error) {
	shown, err := f.authority.IssueDispatcher(life, time.Now())
	return transport.Config{Key: f.key, Authority: &transport.Authority{
		Roots:       f.roots,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &shown, nil },
	}}, err
}

// worker is the configuration of one that has joined, with a key and a certificate of its own.
func (f *fleet) worker(n int) (transport.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return transport.Config{}, err
	}
	leaf, err := f.authority.IssueWorker(&key.PublicKey, fmt.Sprintf("%016x", n), fmt.Sprintf("w%d", n), life, time.Now())
	if err != nil {
		return transport.Config{}, err
	}
	shown := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	return transport.Config{Credentials: &transport.Credentials{
		Certificate: func() (*tls.Certificate, error) { return shown, nil },
		Roots:       f.roots,
	}}, nil
}
