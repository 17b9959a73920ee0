package api

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

// real is a handler that is served on a real socket until the test ends.
type real struct {
	t      testing.TB
	socket string
	client *http.Client
	stop   context.CancelFunc
	ended  chan error // what serve returned; then closed
}

func startReal(t testing.TB, h http.Handler, l limits) *real {
	t.Helper()
	r := &real{t: t, socket: filepath.Join(t.TempDir(), "s"), ended: make(chan error, 1)}
	ln, err := Listen(r.socket)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() {
		r.ended <- l.serve(ctx, ln, h, quiet)
		close(r.ended)
	}()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", r.socket) }}
	r.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		r.stop()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

// get opens a path; its body is closed with the test.
func (r *real) get(path string) *http.Response {
	r.t.Helper()
	answer, err := r.client.Get("http://octaskly" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// dial is a connection that speaks by hand.
func (r *real) dial() net.Conn {
	r.t.Helper()
	conn, err := net.Dial("unix", r.socket)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return conn
}

// talk sends text and returns all that comes back until the server closes.
func (r *real) talk(text string) string {
	r.t.Helper()
	conn := r.dial()
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}
