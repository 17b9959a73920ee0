package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

const (
	sealedBlock      = "OCTASKLY SEALED KEY" // the PEM type of an authority's key in its file
	untilHeader      = "Until"               // of a former one's certificate
	authorityPurpose = "authority"

	maxAuthorityFile = 64 << 10 // bytes
)

// readAuthorities reads the file of a fleet's authorities, whose keys are sealed. The error is
// fs.ErrNotExist if there is none.
func readAuthorities(path string, vault *security.Vault) ([]*authority, error) {
	text, err := security.ReadPrivate(path, maxAuthorityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*authority
	if err == nil {
		all, err = parseAuthorities(text, vault)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the authority in %q: %w", path, err)
	}
	return all, nil
}

var errNoAuthority = errors.New("it holds no authority of octaskly; put it back from a backup, or move it away: then a new one is made, and all workers have to join anew")

func parseAuthorities(text []byte, vault *security.Vault) (all []*authority, err error) {
	for len(bytes.TrimSpace(text)) > 0 {
		one := &authority{}
		if text, err = one.parse(text, vault); err != nil {
			return nil, err
		}
		if isFormer := !one.until.IsZero(); isFormer != (len(all) > 0) || len(all) == maxAuthorities {
			return nil, errNoAuthority
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errNoAuthority
	}
	return all, nil
}

// parse reads one authority from the beginning of text, and returns what is behind it.
func (a *authority) parse(text []byte, vault *security.Vault) (rest []byte, err error) {
	shown, behind := pem.Decode(text)
	sealed, rest := pem.Decode(behind)
	if shown == nil || sealed == nil || sealed.Type != sealedBlock {
		return nil, errNoAuthority
	}
	if until, isFormer := shown.Headers[untilHeader]; isFormer {
		if a.until, err = time.Parse(time.RFC3339, until); err != nil {
			return nil, errNoAuthority
		}
	}
	certificate := text[:len(text)-len(behind)]
	key, err := vault.Open(authorityPurpose, sealed.Bytes, certificate)
	if err != nil {
		return nil, err
	}
	a.stale = !vault.IsCurrent(sealed.Bytes)
	a.Authority, err = security.ParseAuthority(append(slices.Clone(certificate), key...))
	return rest, err
}

// writeAuthorities writes them durably, the present one first.
func writeAuthorities(path string, vault *security.Vault, all []*authority) error {
	var text []byte
	for _, one := range all {
		part, err := one.text(vault)
		if err != nil {
			return err
		}
		text = append(text, part...)
	}
	if err := security.WritePrivate(path, text); err != nil {
		return fmt.Errorf("cannot keep the fleet's authority: %w", err)
	}
	return nil
}

func (a *authority) text(vault *security.Vault) ([]byte, error) {
	certificate, key := a.PEM()
	if !a.until.IsZero() {
		block, _ := pem.Decode(certificate)
		block.Headers = map[string]string{untilHeader: a.until.UTC().Format(time.RFC3339)}
		certificate = pem.EncodeToMemory(block)
	}
	sealed, err := vault.Seal(authorityPurpose, key, certificate) // its header, too
	if err != nil {
		return nil, err
	}
	return append(certificate, pem.EncodeToMemory(&pem.Block{Type: sealedBlock, Bytes: sealed})...), nil
}
