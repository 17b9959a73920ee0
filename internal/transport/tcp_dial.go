package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// DialTCP opens a session with the dispatcher at addr, a host and a port. It
// fails with ErrWrongKey, ErrNotDispatcher, ErrVersion or an error of the
// network. ctx is for the opening only.
func DialTCP(ctx context.Context, addr string, cfg Config) (Session, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot open a session with %q: %w", addr, err)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.OpeningTimeout)
	defer cancel()
	s := &workerSession{cfg: cfg, tls: clientTLS(cfg)}
	if err := s.open(ctx, addr); err != nil {
		return nil, fmt.Errorf("cannot open a session with %q: %w", addr, err)
	}
	return s, nil
}

// workerSession is the end of a session that dials.
type workerSession struct {
	*link
	cfg Config
	tls *tls.Config
	id  sessionID
}

func (s *workerSession) open(ctx context.Context, addr string) error {
	raw, err := s.dial(ctx, addr, kindControl)
	if err != nil {
		return err
	}
	conn := tls.Client(cutConn{raw}, s.tls)
	err = within(ctx, conn, func() error {
		s.id, err = s.greet(conn, opening{kind: kindControl})
		return err
	})
	if err != nil {
		raw.Close()
		return err
	}
	s.link = newLink(conn, raw, s.cfg.MaxBulks, func() {})
	s.who = s.cfg.own()
	return nil
}

func (s *workerSession) dial(ctx context.Context, addr string, k kind) (net.Conn, error) {
	raw, err := (&net.Dialer{Timeout: s.cfg.connectTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := tune(raw, k); err != nil {
		raw.Close()
		return nil, err
	}
	return raw, nil
}

// greet proves to the server that we know the key, and checks that it does.
func (s *workerSession) greet(conn *tls.Conn, o opening) (sessionID, error) {
	_, exporter, err := bind(conn)
	if err != nil {
		return sessionID{}, s.cfg.explainGreeting(err)
	}
	return introduce(conn, s.cfg.proofs(exporter), o)
}

func (s *workerSession) OpenBulk(ctx context.Context, header []byte) (Channel, error) {
	if len(header) > MaxHeader {
		return nil, fmt.Errorf("cannot open a bulk channel: a header of %d bytes is more than %d", len(header), MaxHeader)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.OpeningTimeout)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	b, err := s.openBulk(ctx, header)
	if err == nil {
		return b, nil
	}
	if s.life.Err() != nil || errors.Is(err, errNoSession) {
		err = fmt.Errorf("the session has ended: %w", net.ErrClosed)
	}
	return nil, fmt.Errorf("cannot open a bulk channel: %w", err)
}

// openBulk dials the address that the control channel ended up at: a name may
// by now stand for another machine.
func (s *workerSession) openBulk(ctx context.Context, header []byte) (*bulk, error) {
	raw, err := s.dial(ctx, s.Peer(), kindBulk)
	if err != nil {
		return nil, err
	}
	return s.openOn(ctx, raw, header)
}

func (s *workerSession) openOn(ctx context.Context, raw net.Conn, header []byte) (*bulk, error) {
	b := &bulk{tls.Client(cutConn{raw}, s.tls), raw, s.link}
	if err := s.add(b); err != nil {
		raw.Close()
		return nil, err
	}
	err := within(ctx, b.Conn, func() error {
		if _, err := s.greet(b.Conn, opening{kind: kindBulk, session: s.id, header: len(header)}); err != nil {
			return err
		}
		_, err := b.Write(header)
		return err
	})
	if err != nil {
		b.Abort()
		return nil, err
	}
	return b, nil
}

func (s *workerSession) AcceptBulk(context.Context) ([]byte, Channel, error) {
	return nil, nil, fmt.Errorf("cannot accept a bulk channel on the worker's side: %w", errors.ErrUnsupported)
}
