package api

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// limits of a server.
type limits struct {
	connections int           // at a time
	share       int           // of these, for each user or address; 0: all
	header      time.Duration // for a request's header to arrive, and for the handshake of TLS
	idle        time.Duration // between requests
	write       time.Duration // for a body and its answer, which is no stream
	grace       time.Duration // for requests at the end
}

var usual = limits{
	connections: 4096,
	share:       1024,
	header:      10 * time.Second,
	idle:        2 * time.Minute,
	write:       BodyTimeout + time.Minute,
	grace:       5 * time.Second,
}

// usualRemote is usual for a door that everybody on the network can knock at.
func usualRemote() limits {
	l := usual
	l.connections, l.share = 1024, 64
	return l
}

const (
	maxHeader  = 64 << 10
	maxStreams = 100 // of a connection of HTTP/2, at a time
)

// Serve answers the requests that come in through ln, a Unix socket, until ctx is
// done, and closes ln. Streams are cut then; what else is being answered has a few
// seconds to be done. It returns when all connections are closed and their requests
// have ended, with nil if ctx ended it.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	return usual.serve(ctx, ln, h, log)
}

// ServeTLS is Serve for a TCP socket: HTTP/1.1 and HTTP/2 over TLS 1.3. The config
// has a certificate, or a way to get one.
func ServeTLS(ctx context.Context, ln net.Listener, h http.Handler, config *tls.Config, log *slog.Logger) error {
	return usualRemote().serveTLS(ctx, ln, h, config, log)
}

// ServePlain is Serve for a TCP socket on a loopback address.
func ServePlain(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	l := usualRemote()
	l.share = 0 // it is for a proxy, in whose name everybody comes
	return l.servePlain(ctx, ln, h, log)
}

func (l limits) serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	return l.run(ctx, ln, unixDoor, l.server(h, log))
}

func (l limits) servePlain(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	if addr, ok := ln.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		ln.Close()
		return fmt.Errorf("cannot serve HTTP without TLS on %v: it is no loopback address, such as 127.0.0.1", ln.Addr())
	}
	return l.run(ctx, ln, plainDoor, l.server(h, log))
}

func (l limits) serveTLS(ctx context.Context, ln net.Listener, h http.Handler, config *tls.Config, log *slog.Logger) error {
	server := l.server(h, log)
	server.TLSConfig = config.Clone()
	server.TLSConfig.MinVersion = tls.VersionTLS13
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	// A reader may pause for as long as one of HTTP/1.1.
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: readerPatience}
	return l.run(ctx, ln, tlsDoor, server)
}

func (l limits) server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      h,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            l.header,
		IdleTimeout:                  l.idle,
		WriteTimeout:                 l.write,
		MaxHeaderBytes:               maxHeader,
		ErrorLog:                     errorLog(log),
	}
}

func (l limits) run(ctx context.Context, ln net.Listener, d door, server *http.Server) error {
	// Requests live on for a while when ctx has ended.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var open sync.WaitGroup
	limited := newLimitListener(ln, l.connections, cmp.Or(l.share, l.connections))
	server.BaseContext = func(net.Listener) context.Context { return requests }
	server.ConnContext = func(c context.Context, conn net.Conn) context.Context {
		return context.WithValue(c, connectionKey{}, limitedOf(conn).describe(d, ctx))
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		limitedOf(conn).rest(state == http.StateNew || state == http.StateIdle)
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Done()
		}
	}
	served := make(chan error, 1)
	go func() { served <- accept(server, limited) }()

	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("cannot accept connections on %v: %w", ln.Addr(), err)
	case <-ctx.Done():
		l.shutDown(ctx, server)
		<-served
	}
	cut()
	server.Close()
	open.Wait()
	return err
}

func accept(server *http.Server, ln net.Listener) error {
	defer ln.Close() // ServeTLS does not where it has no certificate
	if server.TLSConfig != nil {
		return server.ServeTLS(ln, "", "")
	}
	return server.Serve(ln)
}

// shutDown gives requests their time; what is left then is for Close.
func (l limits) shutDown(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.grace)
	defer cancel()
	server.Shutdown(ctx)
}
