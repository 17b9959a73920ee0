package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/security"
)

// restDoor is where REST is served to other machines.
type restDoor struct {
	ln     net.Listener
	config *tls.Config // nil: without TLS, on a loopback address
}

// certificates are for tls.Config.GetCertificate.
type certificates = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// openRest is nil where the configuration has no such door. Where it has no
// certificate either, there are those that own makes.
func openRest(p *process, c *config.Door, own func() (certificates, error)) (*restDoor, error) {
	ln, err := p.sockets.Listener("rest")
	if ln == nil && err == nil && c.HTTPListen == "" {
		return nil, nil
	}
	d := &restDoor{ln: ln}
	if err == nil && !c.HTTPPlain {
		d.config, err = tlsConfig(c, own, p.log)
	}
	if err == nil && ln == nil {
		if d.ln, err = net.Listen("tcp", c.HTTPListen); err != nil {
			err = fmt.Errorf("cannot serve REST on %q: %w", c.HTTPListen, err)
		}
	}
	if err != nil {
		if ln != nil {
			ln.Close()
		}
		return nil, err
	}
	return d, nil
}

func tlsConfig(c *config.Door, own func() (certificates, error), log *slog.Logger) (*tls.Config, error) {
	get := own
	if c.TLSCert != "" {
		get = func() (certificates, error) {
			files, err := openCertificateFiles(c.TLSCert, c.TLSKey, log)
			if err != nil {
				return nil, err
			}
			return files.get, nil
		}
	}
	shown, err := get()
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: shown}, nil
}

// ofAuthority are certificates of the fleet's own authority.
func ofAuthority(c *config.Dispatcher, authorities *authorities, log *slog.Logger) (certificates, error) {
	own := serverCertificate(authorities.present, c.HTTPNames)
	if _, err := own.get(nil); err != nil {
		return nil, err
	}
	log.Info("REST shows a certificate of the fleet's authority", "fingerprint", security.Fingerprint(authorities.present().Certificate()))
	return own.get, nil
}

func (d *restDoor) serve(ctx context.Context, h http.Handler, log *slog.Logger) error {
	if d == nil {
		return nil
	}
	if d.config == nil {
		return api.ServePlain(ctx, d.ln, h, log)
	}
	return api.ServeTLS(ctx, d.ln, h, d.config, log)
}

func (d *restDoor) close() {
	if d != nil {
		d.ln.Close()
	}
}

// address is for the log.
func (d *restDoor) address() string {
	switch {
	case d == nil:
		return "off"
	case d.config == nil:
		return "http://" + d.ln.Addr().String()
	}
	return "https://" + d.ln.Addr().String()
}
