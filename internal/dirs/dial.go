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
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			return conn.(*net.UnixConn), nil
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(turn):
		}
	}
}
