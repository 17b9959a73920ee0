package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// The URI of a certificate (RFC 5280 §4.2.1.6) says what its owner is in the fleet:
// octaskly:dispatcher, or octaskly:worker: and an id.
const (
	uriScheme     = "octaskly"
	uriDispatcher = "dispatcher"
	uriWorker     = "worker:"
)

var workerID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// IssueDispatcher returns a certificate with a new key that exists only in memory,
// for the port that workers dial. The authority's own is behind it in the chain, for
// a worker that is about to join.
func (a *Authority) IssueDispatcher(life time.Duration, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot issue a dispatcher's certificate: %w", err)
	}
	leaf, err := a.issuePeer(&key.PublicKey, "octaskly dispatcher", uriDispatcher, x509.ExtKeyUsageServerAuth, life, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot issue a dispatcher's certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// IssueWorker returns a certificate of key, which is of P-256, for the worker with
// that id and name.
func (a *Authority) IssueWorker(key *ecdsa.PublicKey, id, name string, life time.Duration, now time.Time) (*x509.Certificate, error) {
	err := checkWorker(key, id, name)
	var leaf *x509.Certificate
	if err == nil {
		leaf, err = a.issuePeer(key, name, uriWorker+id, x509.ExtKeyUsageClientAuth, life, now)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot issue a worker's certificate: %w", err)
	}
	return leaf, nil
}

func checkWorker(key *ecdsa.PublicKey, id, name string) error {
	switch {
	case key == nil || key.Curve != elliptic.P256():
		return errors.New("its key is not one of P-256")
	case !workerID.MatchString(id):
		return fmt.Errorf("%.80q is no worker's id", id)
	case name == "":
		return errors.New("it has no name")
	}
	return nil
}

func (a *Authority) issuePeer(key *ecdsa.PublicKey, name, uri string, usage x509.ExtKeyUsage, life time.Duration, now time.Time) (*x509.Certificate, error) {
	until, err := a.until(life, now)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{usage},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{{Scheme: uriScheme, Opaque: uri}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
