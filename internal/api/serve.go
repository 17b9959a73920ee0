package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// limits of a server.
type limits struct {
	connections int           // at a time
	share       int           // of these, for each user; 0: all
	header      time.Duration // for a request's header to arrive
	idle        time.Duration // between requests
	write       time.Duration // for a body and its answer, which is no stream
	grace       time.Duration // for requests at the end
}

var usual = limits{
	connections: 4096,
	share:       1024,
	header:      10 * time.Second,
	idle:        2 * time.Minute,
	write:       BodyTimeout + time.Minute,
	grace:       5 * time.Second,
}

const maxHeader = 64 << 10

// Serve answers the requests that come in through ln until ctx is done, and
// closes ln. Streams are cut then; what else is being answered has a few seconds
// to be done. It returns when all connections are closed and their requests have
// ended, with nil if ctx ended it.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	return usual.serve(ctx, ln, h, log)
}

func (l limits) serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	// Requests live on for a while when ctx has ended.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var open sync.WaitGroup
	server := &http.Server{
		Handler:                      h,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            l.header,
		IdleTimeout:                  l.idle,
		WriteTimeout:                 l.write,
		MaxHeaderBytes:               maxHeader,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:                  func(net.Listener) context.Context { return requests },
		ConnContext: func(c context.Context, conn net.Conn) context.Context {
			limited := conn.(*limitConn)
			return context.WithValue(c, connectionKey{}, connection{limited.uid, ctx, limited.over})
		},
		ConnState: func(conn net.Conn, state http.ConnState) {
			conn.(*limitConn).rest(state == http.StateNew || state == http.StateIdle)
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Done()
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(newLimitListener(ln, l.connections, cmp.Or(l.share, l.connections))) }()

	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("cannot accept connections on %v: %w", ln.Addr(), err)
	case <-ctx.Done():
		l.shutDown(ctx, server)
		<-served
	}
	cut()
	server.Close()
	open.Wait()
	return err
}

// shutDown gives requests their time; what is left then is for Close.
func (l limits) shutDown(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.grace)
	defer cancel()
	server.Shutdown(ctx)
}
