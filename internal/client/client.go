package client

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/octaskly/octaskly/internal/dirs"
)

// SocketVar names the variable that stands for Options.Socket.
const SocketVar = "OCTASKLY_SOCKET"

const (
	dialTimeout = 5 * time.Second
	callTimeout = time.Minute
	// idleTimeout is less than the daemon's, so that no request meets a
	// connection that the daemon is closing.
	idleTimeout = 30 * time.Second
)

// Options says whom a client talks to. All of it is optional.
type Options struct {
	// Socket is the daemon's. If empty, it is $OCTASKLY_SOCKET, or else where
	// the dispatcher listens by default.
	Socket string

	// Server is reached by HTTPS instead, if it is not nil.
	Server *Server

	// Timeout bounds each call; it does not bound Watch, Output and uploads. If
	// zero, it is a minute.
	Timeout time.Duration

	// Patience is how long Watch waits for a daemon that has gone away. If zero,
	// it is 15 minutes.
	Patience time.Duration

	// Notice is told by Watch when the daemon has gone away (the error) and when
	// it is back (nil). If nil, nobody is told.
	Notice func(error)

	// Held is told why a call is held back for a while: it was asked too often. If
	// nil, nobody is told.
	Held func(error)
}

// Client is for any number of goroutines.
type Client struct {
	Options
	http   *http.Client
	base   string                                     // of all URLs
	keeper *keeper                                    // nil: a Unix socket
	pause  func(context.Context, time.Duration) error // tests have their own
}

// New does not connect: the first call does.
func New(options Options) *Client {
	c := &Client{Options: options, base: base, pause: pause}
	c.Timeout = cmp.Or(c.Timeout, callTimeout)
	c.Patience = cmp.Or(c.Patience, patience)
	if c.Notice == nil {
		c.Notice = func(error) {}
	}
	if c.Held == nil {
		c.Held = func(error) {}
	}
	var transport http.RoundTripper = &http.Transport{
		DialContext:         c.dial,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     idleTimeout,
		DisableCompression:  true,
	}
	if options.Server != nil {
		line := newLine(&options.Server.Context)
		c.base, c.keeper, transport = line.base.String(), newKeeper(c, options.Server), line.transport()
	}
	c.http = &http.Client{
		Transport: transport,
		// The API redirects nobody.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close lets go of idle connections. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Address is the path of the socket that the client dials. It fails where
// Options.Socket, its variable and the host all name none.
func (c *Client) Address() (string, error) {
	if path := cmp.Or(c.Socket, os.Getenv(SocketVar)); path != "" {
		return path, nil
	}
	path, err := dirs.DefaultSocket(dirs.Dispatcher)
	if other, otherErr := dirs.DefaultSocket(dirs.Worker); otherErr == nil && (err != nil || !exists(path)) && exists(other) {
		return other, nil // it says where the dispatcher is
	}
	return path, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	path, err := c.Address()
	if err == nil {
		err = dirs.CheckSocket(path)
	}
	if err != nil {
		return nil, &Unreachable{Socket: path, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := dirs.Dial(ctx, path)
	if err != nil {
		return nil, &Unreachable{Socket: path, Err: err}
	}
	return conn, nil
}
