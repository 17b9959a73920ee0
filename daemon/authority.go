package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/security"
)

// sealedBlock is the PEM type of an authority's key in its file.
const sealedBlock = "OCTASKLY SEALED KEY"

const authorityPurpose = "authority"

// loadAuthority is the fleet's own, in a file of the state directory whose key is
// sealed. It makes one where there is none.
func loadAuthority(dir string, vault *security.Vault, log *slog.Logger) (*security.Authority, error) {
	path := filepath.Join(dir, backup.Authority)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeAuthority(path, vault, log)
	}
	var a *security.Authority
	if err == nil {
		a, err = unsealAuthority(text, vault)
	}
	if errors.Is(err, security.ErrOtherKey) {
		err = fmt.Errorf("%w; put the fleet key back that was there, or move the file away: then a new authority is made, and whoever has logged in does so again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the authority in %q: %w", path, err)
	}
	return a, nil
}

func makeAuthority(path string, vault *security.Vault, log *slog.Logger) (*security.Authority, error) {
	a, err := security.NewAuthority(time.Now())
	if err != nil {
		return nil, err
	}
	certificate, key := a.PEM()
	sealed, err := vault.Seal(authorityPurpose, key, certificate)
	if err != nil {
		return nil, err
	}
	text := append(certificate, pem.EncodeToMemory(&pem.Block{Type: sealedBlock, Bytes: sealed})...)
	if err := security.WritePrivate(path, text); err != nil {
		return nil, fmt.Errorf("cannot keep the fleet's authority: %w", err)
	}
	log.Info("The fleet has an authority of its own now", "file", path, "fingerprint", security.Fingerprint(a.Certificate()))
	return a, nil
}

var errNoAuthority = errors.New("it holds no authority of octaskly; put it back from a backup, or move it away: then a new one is made, and all workers have to join anew")

func unsealAuthority(text []byte, vault *security.Vault) (*security.Authority, error) {
	_, rest := pem.Decode(text)
	block, after := pem.Decode(rest)
	if block == nil || block.Type != sealedBlock || len(bytes.TrimSpace(after)) > 0 {
		return nil, errNoAuthority
	}
	certificate := text[:len(text)-len(rest)]
	key, err := vault.Open(authorityPurpose, block.Bytes, certificate)
	if err != nil {
		return nil, err
	}
	return security.ParseAuthority(append(slices.Clone(certificate), key...))
}
