package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// greet authenticates a connection and hands it to Accept or AcceptBulk.
func (l *tcpListener) greet(raw net.Conn) {
	defer l.leave(raw)
	conn := tls.Server(cutConn{raw}, l.tls)
	conn.SetDeadline(time.Now().Add(l.cfg.OpeningTimeout))
	err := l.admit(conn, raw)
	if err == nil {
		return
	}
	raw.Close()
	if !errors.Is(err, net.ErrClosed) { // by us: it has lost its place
		l.refused(raw.RemoteAddr(), err)
	}
}

func (l *tcpListener) admit(conn *tls.Conn, raw net.Conn) error {
	state, exporter, err := bind(conn)
	if err != nil {
		return err
	}
	if state.NegotiatedProtocol == joining {
		return l.admitJoiner(conn, raw, state)
	}
	g, err := l.cfg.guest(state, exporter)
	if err != nil {
		return err
	}
	o, a, err := examine(conn, g)
	if err != nil {
		return err
	}
	if err := tune(raw, o.kind); err != nil {
		return err
	}
	if o.kind == kindControl {
		return l.admitSession(conn, raw, g, a)
	}
	return l.admitBulk(conn, raw, g, o, a)
}

func (l *tcpListener) admitSession(conn *tls.Conn, raw net.Conn, g guest, a answer) error {
	rand.Read(a.session[:]) // never fails, by its documentation
	s := &dispatcherSession{incoming: make(chan incoming)}
	s.link = newLink(conn, raw, l.cfg.MaxBulks, func() { l.forget(a.session) })
	s.who = g.who
	if err := l.remember(a.session, s); err != nil {
		return err
	}
	if _, err := conn.Write(a.bytes(kindControl)); err != nil {
		s.abort()
		return err
	}
	conn.SetDeadline(time.Time{})
	select {
	case l.accepted <- s:
	case <-s.Done():
	}
	return nil
}

func (l *tcpListener) remember(id sessionID, s *dispatcherSession) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.sessions[id] = s
	return nil
}

func (l *tcpListener) forget(id sessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, id)
}

func (l *tcpListener) session(id sessionID) *dispatcherSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[id]
}

func (l *tcpListener) admitBulk(conn *tls.Conn, raw net.Conn, g guest, o opening, a answer) error {
	s := l.session(o.session)
	if s == nil || !sameWorker(s.who, g.who) {
		return refuse(conn, statusNoSession, errStranger)
	}
	b := &bulk{conn, raw, s.link}
	switch err := s.add(b); {
	case errors.Is(err, ErrTooManyBulks):
		return refuse(conn, statusBusy, errGreedy)
	case err != nil:
		return refuse(conn, statusNoSession, errStranger)
	}
	l.leave(raw) // from here on it counts in its session
	header := make([]byte, o.header)
	if err := exchange(conn, a, header); err != nil {
		b.Abort()
		return err
	}
	conn.SetDeadline(time.Time{})
	select {
	case s.incoming <- incoming{header, b}:
	case <-s.Done():
	}
	return nil
}

// dispatcherSession is the end of a session that is dialed.
type dispatcherSession struct {
	*link
	incoming chan incoming // to AcceptBulk
}

func (s *dispatcherSession) AcceptBulk(ctx context.Context) ([]byte, Channel, error) {
	return nextBulk(ctx, s.incoming, s.Done())
}

func (s *dispatcherSession) OpenBulk(context.Context, []byte) (Channel, error) {
	return nil, fmt.Errorf("cannot open a bulk channel on the dispatcher's side: %w", errors.ErrUnsupported)
}
