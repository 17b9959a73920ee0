package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Server is a dispatcher that is reached by HTTPS.
type Server struct {
	Context
	// Store keeps the tokens that replace those of Context. If nil, nobody does.
	Store Store
}

// Store keeps the tokens of contexts for all who use them.
type Store interface {
	// Renew gives apply what is stored of a context, keeps others out meanwhile,
	// and stores what apply has made of it, unless that is an error.
	Renew(ctx context.Context, name string, apply func(*Context) error) error
}

// A server that has gone without a word is noticed by HTTP/2's pings.
const (
	pingAfter   = 20 * time.Second
	pingTimeout = 10 * time.Second
)

// line is the way to a server.
type line struct {
	base   *url.URL
	config *tls.Config
	err    error // nothing can be dialled
}

func newLine(server *Context) *line {
	base, err := ParseURL(server.URL)
	if err != nil {
		return &line{base: &url.URL{Scheme: "https", Host: "invalid"}, err: err}
	}
	l := &line{base: base, config: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: base.Hostname()}}
	if server.CA != "" {
		l.config.RootCAs, l.err = authorities(server.CA)
	}
	return l
}

func (l *line) transport() http.RoundTripper {
	lasting := l.speaking("h2", "http/1.1")
	lasting.ForceAttemptHTTP2 = true
	lasting.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout}
	return newWays(l.speaking("http/1.1"), lasting)
}

func (l *line) speaking(protocols ...string) *http.Transport {
	return &http.Transport{
		DialContext: l.dial,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return l.dialTLS(ctx, protocols)
		},
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     idleTimeout,
		DisableCompression:  true,
	}
}

func (l *line) unreachable(err error) error { return &Unreachable{URL: l.base.String(), Err: err} }

// dial is for http://, which must not leave the machine, whatever localhost is
// said to be.
func (l *line) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if l.err != nil {
		return nil, l.unreachable(l.err)
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", hostPort(l.base))
	if err != nil {
		return nil, l.unreachable(err)
	}
	remote, ok := conn.RemoteAddr().(*net.TCPAddr)
	if l.base.Scheme == "http" && (!ok || !remote.IP.IsLoopback()) {
		conn.Close()
		return nil, l.unreachable(fmt.Errorf("%v is not this machine", conn.RemoteAddr()))
	}
	return conn, nil
}

func (l *line) dialTLS(ctx context.Context, protocols []string) (net.Conn, error) {
	conn, err := l.dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, errors.New("it does not answer"))
	defer cancel()
	config := l.config.Clone()
	config.NextProtos = protocols
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, l.unreachable(err)
	}
	return secure, nil
}

// Presented is the chain of certificates that a server shows, its own first.
// Nothing is known of it: whoever asks has to compare its fingerprint.
func Presented(ctx context.Context, where *url.URL) ([]*x509.Certificate, error) {
	l := newLine(&Context{URL: where.String()})
	if l.err == nil {
		l.config.InsecureSkipVerify = true
	}
	conn, err := l.dialTLS(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}
