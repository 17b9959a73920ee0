package transport

import (
	"context"
	"fmt"
	"net"
)

// nextSession is Accept of a listener until done is closed.
func nextSession[S Session](ctx context.Context, accepted <-chan S, done <-chan struct{}) (Session, error) {
	select {
	case s := <-accepted:
		return s, nil
	case <-done:
		return nil, fmt.Errorf("cannot accept a session: %w", net.ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// incoming is a bulk channel that a worker has opened.
type incoming struct {
	header []byte
	bulk   Channel
}

// nextBulk is AcceptBulk of a session until done is closed.
func nextBulk(ctx context.Context, opened <-chan incoming, done <-chan struct{}) ([]byte, Channel, error) {
	select {
	case in := <-opened:
		return in.header, in.bulk, nil
	case <-done:
		return nil, nil, fmt.Errorf("cannot accept a bulk channel: %w", net.ErrClosed)
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}
