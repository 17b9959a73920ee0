package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/security"
)

// bind does the TLS handshake and returns what binds proofs to this connection.
func bind(conn *tls.Conn) (state tls.ConnectionState, exporter []byte, err error) {
	// HandshakeContext would start a goroutine for its context.
	if err := conn.Handshake(); err != nil {
		return state, nil, err
	}
	state = conn.ConnectionState()
	if state.NegotiatedProtocol == "" {
		return state, nil, errForeign
	}
	exporter, err = security.Exporter(state)
	return state, exporter, err
}

// cutConn tells a connection that was cut off from one that was closed. At the
// end of a record crypto/tls takes the end of the TCP stream for the end of the
// data, as some web servers never send close_notify (RFC 8446 §6.1). Anybody on
// the way could shorten a task's output with that, or its machine by crashing.
type cutConn struct{ net.Conn }

var errCut = fmt.Errorf("the connection was cut off: %w", io.ErrUnexpectedEOF)

func (c cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

// isLost reports whether err is of the network, rather than about what came
// over it. To crypto/tls a TLS alert is a net.OpError too.
func isLost(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op != "remote error" && op.Op != "local error"
}

// silence is how long a peer may leave what we sent unacknowledged, or keep its
// window shut, before the kernel gives a control connection up.
const silence = 30 * time.Second

// keepAlive finds out within silence that the peer of an idle connection is gone.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// tune sets what tcp(7) has for finding out that a peer is gone.
// TCP_USER_TIMEOUT is for control connections only: it would also end a bulk
// channel whose reader pauses.
func tune(conn net.Conn, k kind) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if err := tcp.SetKeepAliveConfig(keepAlive); err != nil || k != kindControl {
		return err
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	})
	return errors.Join(err, set)
}

// within runs f, which uses conn, and makes it fail when ctx ends.
func within(ctx context.Context, conn interface{ SetDeadline(time.Time) error }, f func() error) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		conn.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	err := f()
	if !stop() {
		<-interrupted
		return ctx.Err()
	}
	return err
}
