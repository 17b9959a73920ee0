package client

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// ways are two ways to one server. What is over soon goes by HTTP/1.1, which costs both
// sides half as much; what lasts shares one connection of HTTP/2, so that those who
// follow much do not use up the connections that an address may have.
type ways struct {
	brief, lasting *http.Transport
	turn           chan struct{} // whoever has put something in may connect
	connected      atomic.Bool   // lasting
}

// briefly marks the context of a call that is over soon.
type briefly struct{}

func inBrief(ctx context.Context) context.Context { return context.WithValue(ctx, briefly{}, true) }

func newWays(brief, lasting *http.Transport) *ways {
	return &ways{brief: brief, lasting: lasting, turn: make(chan struct{}, 1)}
}

func (w *ways) RoundTrip(r *http.Request) (*http.Response, error) {
	if brief, _ := r.Context().Value(briefly{}).(bool); brief {
		return w.brief.RoundTrip(r)
	}
	if w.connected.Load() {
		return w.lasting.RoundTrip(r)
	}
	return w.connect(r)
}

// connect lets one go ahead: net/http would make a connection for each of those that
// come before the first is there.
func (w *ways) connect(r *http.Request) (*http.Response, error) {
	select {
	case w.turn <- struct{}{}:
	case <-r.Context().Done():
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, context.Cause(r.Context())
	}
	pass := sync.OnceFunc(func() { <-w.turn })
	defer pass()
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { w.connected.Store(true); pass() }}
	return w.lasting.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
}

// CloseIdleConnections is for http.Client.
func (w *ways) CloseIdleConnections() {
	w.brief.CloseIdleConnections()
	w.lasting.CloseIdleConnections()
}
