package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// protocol is something that sessions go over.
type protocol struct {
	name    string
	ours    func(context.Context, *link) error
	bare    func(context.Context, *link) error
	idleAim float64 // KB
}

var protocols = []protocol{
	{"TLS", overTCP, bareTLS, 35},
	{"QUIC", overQUIC, bareQUIC, 80},
}

// link is two ends of a session, or of what a library has instead: for messages
// and for bulk.
type link struct {
	here, there         io.ReadWriter
	bulkHere, bulkThere io.ReadWriter
	closers             []func() error
}

func (l *link) onClose(f func() error) { l.closers = append(l.closers, f) }

func (l *link) close() {
	for i := len(l.closers) - 1; i >= 0; i-- {
		l.closers[i]()
	}
}

func overTCP(ctx context.Context, l *link) error {
	cfg := transport.Config{Key: security.GenerateKey()}
	ln, err := listenTCP(cfg)
	if err != nil {
		return err
	}
	return session(ctx, l, ln, transport.TCP, cfg)
}

func overQUIC(ctx context.Context, l *link) error {
	cfg := transport.Config{Key: security.GenerateKey()}
	ln, err := listenQUIC(cfg)
	if err != nil {
		return err
	}
	return session(ctx, l, ln, transport.QUIC, cfg)
}

func listenTCP(cfg transport.Config) (transport.Listener, error) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return transport.ListenTCP(port, cfg)
}

func udp() (*net.UDPConn, error) {
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

func listenQUIC(cfg transport.Config) (transport.Listener, error) {
	conn, err := udp()
	if err != nil {
		return nil, err
	}
	return transport.ListenQUIC(conn, cfg)
}

func session(ctx context.Context, l *link, ln transport.Listener, by transport.Protocol, cfg transport.Config) error {
	l.onClose(ln.Close)
	worker, err := transport.Dial(ctx, by, ln.Addr().String(), cfg)
	if err != nil {
		return err
	}
	l.onClose(func() error { worker.Control().Abort(); return worker.Close() })
	dispatcher, err := ln.Accept(ctx)
	if err != nil {
		return err
	}
	here, err := worker.OpenBulk(ctx, nil)
	if err != nil {
		return err
	}
	_, there, err := dispatcher.AcceptBulk(ctx)
	l.here, l.there, l.bulkHere, l.bulkThere = worker.Control(), dispatcher.Control(), here, there
	return err
}

const alpn = "bench"

func serverConfig() (*tls.Config, error) {
	certificate, err := security.SelfSigned()
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, NextProtos: []string{alpn}}, err
}

func clientConfig() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{alpn}}
}

func bareTLS(_ context.Context, l *link) error {
	config, err := serverConfig()
	if err != nil {
		return err
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	l.onClose(ln.Close)
	accepted := make(chan net.Conn, 1)
	go func() {
		if conn, err := ln.Accept(); err == nil && conn.(*tls.Conn).Handshake() == nil {
			accepted <- conn
		}
		close(accepted)
	}()
	here, err := tls.Dial("tcp", ln.Addr().String(), clientConfig())
	if err != nil {
		return err
	}
	l.onClose(here.Close)
	there := <-accepted
	if there == nil {
		return errors.New("the handshake failed")
	}
	l.onClose(there.Close)
	l.here, l.there, l.bulkHere, l.bulkThere = here, there, here, there
	return nil
}

func bareQUIC(ctx context.Context, l *link) error {
	config, err := serverConfig()
	if err != nil {
		return err
	}
	ln, err := quic.ListenAddr("127.0.0.1:0", config, nil)
	if err != nil {
		return err
	}
	l.onClose(ln.Close)
	conn, err := quic.DialAddr(ctx, ln.Addr().String(), clientConfig(), nil)
	if err != nil {
		return err
	}
	l.onClose(func() error { return conn.CloseWithError(0, "") })
	here, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := here.Write([]byte{0}); err != nil {
		return err
	}
	accepted, err := ln.Accept(ctx)
	if err != nil {
		return err
	}
	there, err := accepted.AcceptStream(ctx)
	if err != nil {
		return err
	}
	_, err = there.Read(make([]byte, 1))
	l.here, l.there, l.bulkHere, l.bulkThere = here, there, here, there
	return err
}
