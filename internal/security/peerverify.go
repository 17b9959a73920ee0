package security

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Peer is a worker as its certificate names it.
type Peer struct {
	ID          string
	Name        string
	Certificate *x509.Certificate
}

// VerifyDispatcher checks that chain is what a dispatcher shows that one of these
// authorities has signed. It is for tls.Config.VerifyConnection.
func VerifyDispatcher(chain, authorities []*x509.Certificate, now time.Time) error {
	uri, err := verifyPeer(chain, authorities, x509.ExtKeyUsageServerAuth, now)
	if err == nil && uri != uriDispatcher {
		err = errors.New("it is not a dispatcher's")
	}
	if err != nil {
		return fmt.Errorf("cannot accept the dispatcher's certificate: %w", err)
	}
	return nil
}

// VerifyWorker checks that chain is what a worker shows that one of these
// authorities has signed, and says who that is. Whether it was revoked is for the
// caller to look up.
func VerifyWorker(chain, authorities []*x509.Certificate, now time.Time) (Peer, error) {
	uri, err := verifyPeer(chain, authorities, x509.ExtKeyUsageClientAuth, now)
	id, ok := strings.CutPrefix(uri, uriWorker)
	if err == nil && (!ok || !workerID.MatchString(id) || chain[0].Subject.CommonName == "") {
		err = errors.New("it is not a worker's")
	}
	if err != nil {
		return Peer{}, fmt.Errorf("cannot accept the worker's certificate: %w", err)
	}
	return Peer{id, chain[0].Subject.CommonName, chain[0]}, nil
}

// verifyPeer returns what stands in the leaf's only URI behind the scheme.
func verifyPeer(chain, authorities []*x509.Certificate, usage x509.ExtKeyUsage, now time.Time) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("there is none")
	}
	roots := x509.NewCertPool()
	for _, a := range authorities {
		roots.AddCert(a)
	}
	leaf := chain[0]
	options := x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}
	if _, err := leaf.Verify(options); err != nil {
		return "", err
	}
	if leaf.IsCA || len(leaf.URIs) != 1 || leaf.URIs[0].Scheme != uriScheme {
		return "", errors.New("it does not say what its owner is in the fleet")
	}
	return leaf.URIs[0].Opaque, nil
}
