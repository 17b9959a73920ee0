package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/dirs"
)

const (
	greetingTimeout  = 10 * time.Second
	defaultUnixBulks = 256
)

// DialUnix opens a session with the executor that listens at path, whose bulk
// channels it accepts. It fails with ErrNotAllowed, ErrBusy, ErrNotExecutor,
// ErrExecutorVersion or an error of the system. ctx is for the opening only,
// which takes ten seconds at most.
func DialUnix(ctx context.Context, path string) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingTimeout)
	defer cancel()
	s, err := dialUnix(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("cannot open a session with %q as user %d: %w", path, os.Geteuid(), err)
	}
	return s, nil
}

func dialUnix(ctx context.Context, path string) (*relaySession, error) {
	conn, err := dirs.Dial(ctx, path)
	if err != nil {
		return nil, err
	}
	var carrier *net.UnixConn
	err = within(ctx, conn, func() error {
		carrier, err = readGreeting(conn)
		return err
	})
	if err != nil {
		conn.Close()
		if carrier != nil {
			carrier.Close()
		}
		return nil, err
	}
	return &relaySession{
		unixLink: newUnixLink(conn, carrier, "unix:"+path, defaultUnixBulks),
		turn:     make(chan struct{}, 1),
	}, nil
}

// readGreeting returns what a welcome carries.
func readGreeting(conn *net.UnixConn) (carrier *net.UnixConn, err error) {
	greeting := make([]byte, greetingSize)
	n, fd, err := receive(conn, greeting)
	if errors.Is(err, errDescriptor) {
		return nil, fmt.Errorf("%w: its greeting is malformed: %w", ErrNotExecutor, err)
	}
	if err != nil {
		return nil, fmt.Errorf("no greeting came: %w", err)
	}
	if err := parseGreeting(greeting[:n]); err != nil {
		discard(fd)
		return nil, err
	}
	carrier, err = adopt(fd, unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, fmt.Errorf("%w: its greeting is malformed: %w", ErrNotExecutor, err)
	}
	return carrier, nil
}

// relaySession is the end that dials and accepts bulk channels.
type relaySession struct {
	*unixLink
	turn   chan struct{} // holds one while somebody reads packets
	packet [1 + MaxHeader]byte
}

func (s *relaySession) AcceptBulk(ctx context.Context) ([]byte, Channel, error) {
	header, b, err := s.acceptBulk(ctx)
	switch {
	case err == nil:
		return header, b, nil
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	default:
		return nil, nil, fmt.Errorf("cannot accept a bulk channel: %w", err)
	}
}

// acceptBulk reads no packet that there is no room for.
func (s *relaySession) acceptBulk(ctx context.Context) ([]byte, *unixBulk, error) {
	if err := s.enter(ctx, s.turn); err != nil {
		return nil, nil, err
	}
	defer func() { <-s.turn }()
	if err := s.enter(ctx, s.room); err != nil {
		return nil, nil, err
	}
	header, conn, err := s.receive(ctx)
	if err != nil {
		<-s.room
		return nil, nil, err
	}
	b, err := s.add(conn)
	return header, b, err
}

func (s *relaySession) enter(ctx context.Context, place chan<- struct{}) error {
	select {
	case place <- struct{}{}:
		return nil
	case <-s.Done():
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive waits for a packet.
func (s *relaySession) receive(ctx context.Context) (header []byte, bulk *net.UnixConn, err error) {
	var n, fd int
	interrupted := within(ctx, s.carrier, func() error {
		n, fd, err = receive(s.carrier, s.packet[:])
		return nil
	})
	s.carrier.SetDeadline(time.Time{})
	switch {
	case err == nil:
		bulk, err = unpack(s.packet[:n], fd)
	case errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed):
		return nil, nil, s.ending(ctx)
	case interrupted != nil && errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, interrupted
	}
	if err != nil {
		s.abort()
		return nil, nil, err
	}
	return bytes.Clone(s.packet[1:n]), bulk, nil
}

// unpack owns fd, which came with the packet.
func unpack(packet []byte, fd int) (*net.UnixConn, error) {
	if packet[0] != byte(kindBulk) {
		discard(fd)
		return nil, fmt.Errorf("the executor sent a packet of the unknown kind %d", packet[0])
	}
	bulk, err := adopt(fd, unix.SOCK_STREAM)
	if err != nil {
		return nil, fmt.Errorf("the executor sent a malformed packet: %w", err)
	}
	return bulk, nil
}

// ending waits for the control channel to be read to its end, when the carrier
// has reached its own.
func (s *relaySession) ending(ctx context.Context) error {
	select {
	case <-s.Done():
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *relaySession) OpenBulk(context.Context, []byte) (Channel, error) {
	return nil, fmt.Errorf("cannot open a bulk channel on the relay's side: %w", errors.ErrUnsupported)
}
