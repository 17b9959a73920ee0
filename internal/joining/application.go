package joining

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// newApply says who asks, and shows that he has the key.
func newApply(who *Applicant, way Way, exporter []byte) (*apply, error) {
	spki, err := x509.MarshalPKIXPublicKey(who.Key.Public())
	if err != nil {
		return nil, err
	}
	a := &apply{Version: version, Way: way, ID: who.ID, Name: who.Name, Software: who.Software, SPKI: spki}
	if err := a.check(); err != nil {
		return nil, err
	}
	a.Signature, err = ecdsa.SignASN1(rand.Reader, who.Key, a.digest(exporter))
	return a, err
}

// application is what an apply says, if he who has sent it has the key.
func (a *apply) application(visit *Visit) (*Application, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	key, err := signedBy(a.SPKI, a.Signature, a.digest(visit.Exporter))
	if err != nil {
		return nil, &octaskly.FieldError{Field: "key", Why: err.Error()}
	}
	return &Application{
		ID: a.ID, Name: a.Name, Software: a.Software, Way: a.Way, Key: key, SPKI: a.SPKI,
		Address: visit.Address, Authority: visit.Authority,
	}, nil
}

func (a *apply) check() error {
	bad := func(field, why string, args ...any) error {
		return &octaskly.FieldError{Field: field, Why: fmt.Sprintf(why, args...)}
	}
	switch {
	case a.Version < 1:
		return bad("version", "%d is none", a.Version)
	case a.Way < ByKey || a.Way > ByApproval:
		return bad("way", "the dispatcher knows no way %d of joining; install the same version on both machines", a.Way)
	case !isID(a.ID):
		return bad("id", "want 16 to %d letters and digits", maxWord)
	case !isWord(a.Name):
		return bad("name", "want 1 to %d printable characters", maxWord)
	case !isWord(a.Software):
		return bad("software", "want 1 to %d printable characters", maxWord)
	}
	return nil
}

func (a *apply) digest(exporter []byte) []byte {
	way := []byte{byte(a.Way)}
	return digest("octaskly application v1", exporter, a.SPKI, way, []byte(a.ID), []byte(a.Name), []byte(a.Software))
}

// signedBy returns the key that spki has, if it has signed digest.
func signedBy(spki, signature, digest []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, errors.New("it is not in the form of X.509")
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is not one of P-256")
	}
	if !ecdsa.VerifyASN1(key, digest, signature) {
		return nil, errors.New("it has not signed this, on this connection")
	}
	return key, nil
}
