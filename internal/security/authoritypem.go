package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS #8
)

// PEM returns the authority's certificate, which is for everybody, and its private
// key, which is for a Vault.
func (a *Authority) PEM() (certificate, key []byte) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		panic(err) // only for curves that it does not know
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: a.certificate.Raw})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})
}

// ParseAuthority reads what PEM returns, one after the other. An authority that
// has expired is one: see its Certificate.
func ParseAuthority(text []byte) (*Authority, error) {
	a, err := parseAuthority(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read an authority: %w", err)
	}
	return a, nil
}

func parseAuthority(text []byte) (*Authority, error) {
	a := &Authority{}
	if err := EachPEM(text, a.take); err != nil {
		return nil, err
	}
	return a, a.check()
}

func (a *Authority) take(block *pem.Block) (err error) {
	switch {
	case block.Type == certificateBlock && a.certificate == nil:
		a.certificate, err = x509.ParseCertificate(block.Bytes)
	case block.Type == keyBlock && a.key == nil:
		key, parseErr := x509.ParsePKCS8PrivateKey(block.Bytes)
		if parseErr != nil {
			return errors.New("its key is not in PKCS #8") // the error might quote it
		}
		a.key, _ = key.(*ecdsa.PrivateKey)
	default:
		err = fmt.Errorf("it has a block of %.40q too many", block.Type)
	}
	return err
}

func (a *Authority) check() error {
	switch {
	case a.certificate == nil:
		return errors.New("it has no certificate")
	case a.key == nil || a.key.Curve != elliptic.P256():
		return errors.New("it has no key of P-256")
	case !a.key.PublicKey.Equal(a.certificate.PublicKey):
		return errors.New("its key is not that of its certificate")
	case !a.certificate.IsCA || !a.certificate.MaxPathLenZero:
		return errors.New("its certificate is not one of an authority that signs servers only")
	}
	return a.certificate.CheckSignatureFrom(a.certificate)
}
