package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
)

// What a connection is for, and how its sides know each other. A client offers
// exactly one of them (ALPN, RFC 7301).
const (
	byKey         = "octaskly/1"
	byCertificate = "octaskly/2"
	joining       = "octaskly-join/1"
)

// serverTLS chooses by what the client wants. Who knows nothing newer sees what there
// always was: a certificate that is thrown away with the process.
func serverTLS(cfg Config) (*tls.Config, error) {
	thrownAway, err := security.SelfSigned()
	if err != nil {
		return nil, err
	}
	first := serverFor(byKey)
	first.Certificates = []tls.Certificate{thrownAway}
	if cfg.Authority == nil {
		return first, nil
	}
	second, third := serverFor(byCertificate), serverFor(joining)
	second.GetCertificate = cfg.Authority.Certificate
	second.ClientAuth = tls.RequireAnyClientCert
	second.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := identify(state.PeerCertificates, cfg.Authority.Roots())
		return err
	}
	third.GetCertificate = cfg.Authority.Certificate
	first.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		switch wants := func(p string) bool { return slices.Contains(hello.SupportedProtos, p) }; {
		case wants(byCertificate):
			return second, nil
		case wants(joining) && cfg.Join != nil:
			return third, nil
		default:
			return nil, nil // first
		}
	}
	return first, nil
}

func serverFor(protocol string) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		NextProtos:                  []string{protocol},
		SessionTicketsDisabled:      true, // resumption could outlive a revocation
		DynamicRecordSizingDisabled: true, // it is for the first paint of a web page
	}
}

// clientTLS verifies the server by certificates only: else proofs say who is there.
func clientTLS(cfg Config) *tls.Config {
	config := &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		NextProtos:                  []string{cfg.protocol()},
		InsecureSkipVerify:          true, // which is about host names
		DynamicRecordSizingDisabled: true,
	}
	if cfg.protocol() == byCertificate {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cfg.Credentials.Certificate()
		}
	}
	if cfg.Credentials != nil { // who joins anew does so with the same authority
		config.VerifyConnection = cfg.Credentials.verify
		if roots := cfg.Credentials.Roots(); len(roots) > 0 {
			config.ServerName = security.AuthorityName(roots[0])
		}
	}
	return config
}

func (c *Credentials) verify(state tls.ConnectionState) error {
	if err := security.VerifyDispatcher(state.PeerCertificates, c.Roots(), time.Now()); err != nil {
		return err
	}
	if c.Seen != nil {
		c.Seen(state.PeerCertificates)
	}
	return nil
}

// protocol is what a client of this configuration wants.
func (c Config) protocol() string {
	switch {
	case c.joins:
		return joining
	case c.Credentials != nil:
		return byCertificate
	default:
		return byKey
	}
}

// Alerts of TLS (RFC 8446 §6) that say something of their own.
const (
	badCertificate tls.AlertError = 42
	noProtocol     tls.AlertError = 120
)

// explainGreeting is what err means, which came instead of a server's handshake.
func (c Config) explainGreeting(err error) error {
	switch {
	case c.protocol() != byKey && isAlert(err, noProtocol):
		return ErrTooOld
	case isLost(err):
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotDispatcher, err)
}

// explainAnswer is what err means, which came instead of an answer from a server that
// has shown its certificate: a client's is looked at after that.
func explainAnswer(err error) error {
	if isAlert(err, badCertificate) {
		return ErrRevoked
	}
	return err
}

// isAlert reports whether the other side has sent this alert: crypto/tls has no
// exported type for one that came by TCP.
func isAlert(err error, alert tls.AlertError) bool {
	var op *net.OpError
	var byQUIC *quic.TransportError
	switch {
	case errors.As(err, &op):
		return op.Op == "remote error" && op.Err.Error() == alert.Error()
	case errors.As(err, &byQUIC):
		return byQUIC.Remote && byQUIC.ErrorCode == 0x100+quic.TransportErrorCode(alert) // RFC 9001 §4.8
	}
	return false
}
