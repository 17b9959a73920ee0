package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// serving lets limits serve at a socket until the test ends.
func serving(t *testing.T, l limits, h http.Handler) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	ln := listen(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := l.serve(ctx, ln, h, quiet); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); served.Wait() })
	return path
}

func connect(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// get sends a request and returns the answer's beginning.
func get(t *testing.T, conn net.Conn) string {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: octaskly\r\n\r\n"); err != nil {
		return err.Error()
	}
	answer := make([]byte, len("HTTP/1.1 200"))
	io.ReadFull(conn, answer)
	return string(answer)
}

// stillOpen reads what is there and reports whether more may come.
func stillOpen(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := io.Copy(io.Discard, conn)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// Who opens more connections than his share loses the one that has been idle for
// longest, and keeps those that are being served.
func TestIdleConnectionsGiveWay(t *testing.T) {
	hold := make(chan struct{})
	begun := make(chan struct{}, 1)
	l := usual
	l.connections, l.share = 100, 3
	path := serving(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Hold") != "" {
			begun <- struct{}{}
			<-hold
		}
	}))
	busy := connect(t, path)
	io.WriteString(busy, "GET / HTTP/1.1\r\nHost: octaskly\r\nHold: 1\r\n\r\n")
	<-begun
	first, second := connect(t, path), connect(t, path)
	for _, conn := range []net.Conn{first, second} {
		if got := get(t, conn); got != "HTTP/1.1 200" {
			t.Fatalf("answer %q", got)
		}
	}
	for _, conn := range []net.Conn{first, second} {
		for stillOpen(conn) {
			if got := get(t, connect(t, path)); got != "HTTP/1.1 200" {
				t.Fatalf("a new connection is answered %q", got)
			}
		}
	}
	close(hold)
	if answer, err := io.ReadAll(io.LimitReader(busy, 12)); string(answer) != "HTTP/1.1 200" {
		t.Errorf("the busy connection is answered %q, %v", answer, err)
	}
}

// Who has nothing but busy connections is told so.
func TestBusyConnectionsAreBounded(t *testing.T) {
	hold := make(chan struct{})
	begun := make(chan struct{}, 10)
	l := usual
	l.connections, l.share = 100, 2
	h := newHandler(&fake{})
	path := serving(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Hold") != "" {
			begun <- struct{}{}
			<-hold
			return
		}
		h.ServeHTTP(w, r)
	}))
	defer close(hold)
	for range 2 {
		io.WriteString(connect(t, path), "GET / HTTP/1.1\r\nHost: octaskly\r\nHold: 1\r\n\r\n")
		<-begun
	}
	for range 3 * overdraft {
		conn := connect(t, path)
		if got := get(t, conn); got != "HTTP/1.1 429" {
			t.Fatalf("answer %q", got)
		}
	}
}
