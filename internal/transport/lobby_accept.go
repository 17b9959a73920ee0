package transport

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// plain is a TLS connection as a Channel of no session.
type plain struct {
	*tls.Conn
	raw net.Conn
}

func (p plain) Abort() { p.raw.Close() }

func (l *tcpListener) admitJoiner(conn *tls.Conn, raw net.Conn, state tls.ConnectionState) error {
	if err := tune(raw, kindControl); err != nil {
		return err
	}
	l.leave(raw)
	conn.SetDeadline(time.Time{})
	j := &Joiner{Channel: plain{conn, raw}, State: state, Address: raw.RemoteAddr().String()}
	l.joiners.receive(raw, j, l.refused)
	return nil
}

// admitJoiner wants no further stream, which would cost memory.
func (l *quicListener) admitJoiner(k *shaken, link *quicLink, state tls.ConnectionState) error {
	l.tasks.Go(func() {
		if _, err := k.AcceptStream(context.Background()); err == nil {
			k.Close()
			l.refused(k.RemoteAddr(), errOpening)
		}
	})
	l.leave(k)
	j := &Joiner{Channel: link.Control(), State: state, Address: link.Peer()}
	l.joiners.receive(k, j, l.refused)
	return nil
}
