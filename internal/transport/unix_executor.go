package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// executorSession is the end that listens and opens bulk channels.
type executorSession struct{ *unixLink }

func (s *executorSession) OpenBulk(ctx context.Context, header []byte) (Channel, error) {
	if len(header) > MaxHeader {
		return nil, fmt.Errorf("cannot open a bulk channel: a header of %d bytes is more than %d", len(header), MaxHeader)
	}
	b, err := s.openBulk(ctx, header)
	if err == nil {
		return b, nil
	}
	if s.life.Err() != nil || errors.Is(err, syscall.EPIPE) {
		err = fmt.Errorf("the session has ended: %w", net.ErrClosed)
	}
	return nil, fmt.Errorf("cannot open a bulk channel: %w", err)
}

func (s *executorSession) openBulk(ctx context.Context, header []byte) (*unixBulk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.room <- struct{}{}:
	default:
		return nil, ErrTooManyBulks
	}
	here, there, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		<-s.room
		return nil, err
	}
	defer unix.Close(there)
	b, err := s.add(here)
	if err != nil {
		return nil, err
	}
	packet := append([]byte{byte(kindBulk)}, header...)
	if err := sendAtOnce(s.carrier, packet, there); err != nil {
		b.Abort()
		return nil, err
	}
	return b, nil
}

func (s *executorSession) AcceptBulk(context.Context) ([]byte, Channel, error) {
	return nil, nil, fmt.Errorf("cannot accept a bulk channel on the executor's side: %w", errors.ErrUnsupported)
}
