package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/security"
)

// authorities are the fleet's own: the present one, which signs, and former ones, which
// count until the workers that they have signed for have renewed. The file is written by
// octasklyd dispatcher rotate, and read again when the dispatcher reloads.
type authorities struct {
	path  string
	vault *security.Vault
	log   *slog.Logger
	all   atomic.Pointer[[]*authority] // the present one first
}

// authority is one of them.
type authority struct {
	*security.Authority
	until time.Time // that a former one counts; zero: the present one
	stale bool      // a former fleet key seals it in the file
	shown *ownCertificate
}

func isStale(one *authority) bool { return one.stale }

// openAuthorities reads the file of the state directory, or makes it.
func openAuthorities(dir string, vault *security.Vault, log *slog.Logger) (*authorities, error) {
	a := &authorities{path: filepath.Join(dir, backup.Authority), vault: vault, log: log}
	var all []*authority
	err := security.WithLock(dir, func() (err error) { // octasklyd dispatcher rotate may be about it
		all, err = readAuthorities(a.path, vault)
		if errors.Is(err, fs.ErrNotExist) {
			all, err = a.begin()
		}
		if slices.ContainsFunc(all, isStale) {
			err = writeAuthorities(a.path, vault, all)
		}
		return err
	})
	if errors.Is(err, security.ErrOtherKey) {
		err = fmt.Errorf("%w, or move %s away: then a new authority is made, all workers join anew, and whoever has logged in does so again", err, backup.Authority)
	}
	if err != nil {
		return nil, err
	}
	a.set(all)
	if until := a.present().Certificate().NotAfter; time.Until(until) < 90*24*time.Hour {
		log.Warn("The fleet's authority ends soon; octasklyd dispatcher rotate makes another one", "until", until)
	}
	return a, nil
}

func (a *authorities) begin() ([]*authority, error) {
	all, err := rotated(nil, false, time.Now())
	if err == nil {
		err = writeAuthorities(a.path, a.vault, all)
	}
	if err != nil {
		return nil, err
	}
	a.log.Info("The fleet has an authority of its own now", "file", a.path, "fingerprint", security.Fingerprint(all[0].Certificate()))
	return all, nil
}

// reload reads the file again.
func (a *authorities) reload() {
	all, err := readAuthorities(a.path, a.vault)
	if err != nil {
		a.log.Error("The fleet's authority stays as it was; if the fleet key was rotated, this dispatcher has to start again", "error", err)
		return
	}
	before := a.present()
	a.set(all)
	if after := a.present(); !after.Certificate().Equal(before.Certificate()) {
		a.log.Info("The fleet has another authority now; workers renew when they connect", "fingerprint", security.Fingerprint(after.Certificate()), "former", len(all)-1)
	}
}

func (a *authorities) set(all []*authority) {
	for _, one := range all {
		one.shown = dispatcherCertificate(one.Authority, all[0].Authority)
	}
	a.all.Store(&all)
}

// present is the one that signs.
func (a *authorities) present() *security.Authority { return (*a.all.Load())[0].Authority }

// count are those that count now.
func (a *authorities) count() []*authority {
	all := *a.all.Load()
	return append(all[:1:1], stillFormer(all, time.Now())...)
}

// signer is the one of that certificate, or nil.
func (a *authorities) signer(certificate *x509.Certificate) *security.Authority {
	for _, one := range a.count() {
		if one.Certificate().Equal(certificate) {
			return one.Authority
		}
	}
	return nil
}

// signed reports whether one that counts has signed a worker's certificate, over or not.
func (a *authorities) signed(certificate *x509.Certificate) bool {
	return slices.ContainsFunc(a.roots(), func(root *x509.Certificate) bool { return certificate.CheckSignatureFrom(root) == nil })
}

func (a *authorities) roots() (roots []*x509.Certificate) {
	for _, one := range a.count() {
		roots = append(roots, one.Certificate())
	}
	return roots
}

// named is the one that a client knows, or the present one.
func (a *authorities) named(name string) *authority {
	all := a.count()
	for _, one := range all {
		if security.AuthorityName(one.Certificate()) == name {
			return one
		}
	}
	return all[0]
}

// certificate is for tls.Config.GetCertificate, where workers come in.
func (a *authorities) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return a.named(hello.ServerName).shown.get(hello)
}

const (
	formerLife     = 31 * 24 * time.Hour // the certificates of workers live for 30 days
	maxAuthorities = 8
)

func stillFormer(all []*authority, now time.Time) (former []*authority) {
	for _, one := range all[min(1, len(all)):] {
		if now.Before(one.until) {
			former = append(former, one)
		}
	}
	return former
}

// rotated has a new authority before those that there are, of which none counts any more
// if they are distrusted.
func rotated(all []*authority, distrust bool, now time.Time) ([]*authority, error) {
	fresh, err := security.NewAuthority(now)
	if err != nil {
		return nil, err
	}
	next := []*authority{{Authority: fresh}}
	if distrust || len(all) == 0 {
		return next, nil
	}
	next = append(next, &authority{Authority: all[0].Authority, until: now.Add(formerLife)})
	next = append(next, stillFormer(all, now)...)
	if len(next) > maxAuthorities {
		return nil, fmt.Errorf("%d authorities count, which is the most; the oldest ends on %s", len(all), all[len(all)-1].until.Format(time.DateOnly))
	}
	return next, nil
}
