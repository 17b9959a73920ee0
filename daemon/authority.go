package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
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
	if err := writeDurably(path, text); err != nil {
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

// writeDurably gives a new file its name when it is whole and on disk.
func writeDurably(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".octaskly-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails when it has its name
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

const certificateLife = 90 * 24 * time.Hour

// ownCertificate is a server's certificate by the fleet's authority. It is only in
// memory, and renewed at two thirds of its life.
type ownCertificate struct {
	authority *security.Authority
	names     []string // besides those that the machine has

	mu    sync.Mutex
	shown *tls.Certificate
	renew time.Time
}

// get is for tls.Config.GetCertificate.
func (c *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.shown != nil && now.Before(c.renew) {
		return c.shown, nil
	}
	fresh, err := c.authority.IssueServer(serverNames(c.names), certificateLife, now)
	if err != nil {
		return nil, err
	}
	c.shown, c.renew = &fresh, now.Add(certificateLife*2/3)
	return c.shown, nil
}

// serverNames are those given, and those by which this machine is reached.
func serverNames(given []string) []string {
	names := append(slices.Clone(given), "localhost", "127.0.0.1", "::1")
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	addresses, _ := net.InterfaceAddrs() // a machine without any is reached by what was given
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			names = append(names, ip.IP.String())
		}
	}
	slices.Sort(names[len(given):])
	names = firstOfEach(names)
	return names[:min(len(names), maxServerNames)]
}

const maxServerNames = 64

// firstOfEach drops repetitions.
func firstOfEach(names []string) (unique []string) {
	for _, name := range names {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}
