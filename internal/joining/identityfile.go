package joining

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/octaskly/octaskly/internal/security"
)

const (
	keyBlock         = "PRIVATE KEY" // PKCS #8
	certificateBlock = "CERTIFICATE"
	fleetHeader      = "Fleet" // of the first certificate

	maxIdentity = 16 << 10 // bytes, of the file
)

// PEM is the text of an identity file: the key and, if it has joined, its certificate and the
// authority's. It is a secret.
func (i *Identity) PEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		panic(err) // only for curves that it does not know
	}
	text := pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})
	if !i.Joined() {
		return text
	}
	own := &pem.Block{Type: certificateBlock, Bytes: i.Certificate.Raw, Headers: map[string]string{fleetHeader: i.Fleet}}
	text = append(text, pem.EncodeToMemory(own)...)
	return append(text, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: i.Authority.Raw})...)
}

// parseIdentity reads what PEM returns. A certificate that is over is one. No error
// quotes the key.
func parseIdentity(text []byte) (*Identity, error) {
	if len(text) > maxIdentity {
		return nil, fmt.Errorf("it is larger than %d bytes", maxIdentity)
	}
	i := &Identity{}
	if err := security.EachPEM(text, i.take); err != nil {
		return nil, err
	}
	switch {
	case i.Key == nil:
		return nil, errors.New("it has no key")
	case i.Certificate == nil:
		return i, nil
	case i.Authority == nil:
		return nil, errors.New("it has a certificate, and not the authority's")
	}
	return i, i.check()
}

func (i *Identity) take(block *pem.Block) (err error) {
	switch {
	case block.Type == keyBlock && i.Key == nil:
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		i.Key, _ = key.(*ecdsa.PrivateKey)
		if err != nil || i.Key == nil || i.Key.Curve != elliptic.P256() {
			return errors.New("its key is not one of P-256 in PKCS #8") // err might quote it
		}
	case block.Type == certificateBlock && i.Certificate == nil:
		i.Fleet = block.Headers[fleetHeader]
		i.Certificate, err = parseCertificate(block.Bytes)
		if err == nil && !isWord(i.Fleet) {
			err = errors.New("its fleet has no name")
		}
	case block.Type == certificateBlock && i.Authority == nil:
		i.Authority, err = parseCertificate(block.Bytes)
	default:
		err = fmt.Errorf("it has a block of %.40q too many", block.Type)
	}
	return err
}

// LoadIdentity reads the file at path, which nobody but its owner may use. The error is
// fs.ErrNotExist if there is none.
func LoadIdentity(path string) (*Identity, error) {
	text, err := security.ReadPrivate(path, maxIdentity)
	var i *Identity
	if err == nil {
		i, err = parseIdentity(text)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the worker's identity %q: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the worker's identity %q: %w; move it away, and the worker joins anew", path, err)
	}
	return i, nil
}

// Save writes the file at path durably, mode 0600, in place of what was there.
func (i *Identity) Save(path string) error {
	if err := security.WritePrivate(path, i.PEM()); err != nil {
		return fmt.Errorf("cannot keep the worker's identity: %w", err)
	}
	return nil
}
