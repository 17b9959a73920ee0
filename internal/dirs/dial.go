package dirs

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// turn is how long Dial waits before it asks again: a daemon that accepts at
// all takes thousands of connections in that time.
const turn = 5 * time.Millisecond

// Dial connects to the Unix socket at path. Where the socket's queue of
// connections is full, it waits for a place until ctx ends: Linux keeps a
// non-blocking connect(2) from waiting there itself (EAGAIN, unix(7)).
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	var full error
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			return conn.(*net.UnixConn), nil
		}
		switch {
		case errors.Is(err, syscall.EAGAIN):
			full = err
		case full != nil && isOver(err): // while it was full
			return nil, full
		default:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(turn):
		}
	}
}

// isOver reports whether a dial ended by its time; net says it before ctx does.
func isOver(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.Canceled)
}
