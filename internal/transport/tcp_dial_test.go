package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// impostor answers one connection like a dispatcher, up to the bytes of its
// answer, and then reports what else the worker said.
func impostor(t *testing.T, answer func(o opening) []byte) (addr string, more <-chan string) {
	t.Helper()
	config, err := serverTLS(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(listen(t), config)
	said := make(chan string, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			said <- err.Error()
			return
		}
		defer conn.Close()
		o, err := readOpening(conn)
		if err != nil {
			said <- err.Error()
			return
		}
		conn.Write(answer(o))
		rest, _ := io.ReadAll(conn)
		said <- string(rest)
	}()
	return ln.Addr().String(), said
}

func TestDialImpostor(t *testing.T) {
	says := func(b ...byte) func(opening) []byte { return func(opening) []byte { return b } }
	tests := []struct {
		name   string
		answer func(opening) []byte
		want   error
	}{
		{"other key", says(byte(statusWrongKey)), ErrWrongKey},
		{"other version", says(byte(statusVersion)), ErrVersion},
		{"unknown status", says(0), ErrNotDispatcher},
		{"HTTP", says([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")...), ErrNotDispatcher},
		{"no proof", func(opening) []byte { return answer{}.bytes(kindControl) }, ErrNotDispatcher},
		{"reflected proof", func(o opening) []byte { return answer{proof: o.proof}.bytes(kindControl) }, ErrNotDispatcher},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, more := impostor(t, tt.answer)
			_, err := DialTCP(t.Context(), addr, Config{Key: security.GenerateKey()})
			if !errors.Is(err, tt.want) {
				t.Errorf("DialTCP: %v, want %v", err, tt.want)
			}
			if more := wait(t, more); more != "" {
				t.Errorf("the worker went on to say %q", more)
			}
		})
	}
}

// TestBulkImpostor wants a bulk channel's header to stay with us until the
// other side has proved itself.
func TestBulkImpostor(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg)
	worker, _ := connect(t, l, l.Addr().String(), cfg)
	addr, more := impostor(t, func(o opening) []byte { return answer{proof: o.proof}.bytes(kindBulk) })
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := worker.(*workerSession)
	_, err = s.openOn(t.Context(), raw, []byte("a secret"))
	if !errors.Is(err, ErrNotDispatcher) {
		t.Errorf("%v", err)
	}
	if more := wait(t, more); more != "" {
		t.Errorf("the worker went on to say %q", more)
	}
}

func TestDialOthers(t *testing.T) {
	nothing := http.NotFoundHandler()
	plain := httptest.NewServer(nothing)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(nothing)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that fails
	secure.StartTLS()
	defer secure.Close()
	for name, url := range map[string]string{"HTTP": plain.URL, "HTTPS": secure.URL} {
		_, err := DialTCP(t.Context(), url[strings.LastIndexByte(url, '/')+1:], Config{Key: security.GenerateKey()})
		if !errors.Is(err, ErrNotDispatcher) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialGivesUp(t *testing.T) {
	silent := listen(t).Addr().String()
	key := security.GenerateKey()
	t.Run("timeout", func(t *testing.T) {
		_, err := DialTCP(t.Context(), silent, Config{Key: key, OpeningTimeout: 50 * time.Millisecond})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotDispatcher) {
			t.Errorf("DialTCP: %v", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := DialTCP(ctx, silent, Config{Key: key})
			done <- err
		}()
		cancel()
		if err := wait(t, done); !errors.Is(err, context.Canceled) {
			t.Errorf("DialTCP: %v", err)
		}
	})
	t.Run("hung up", func(t *testing.T) {
		ln := listen(t)
		go func() {
			if conn, err := ln.Accept(); err == nil {
				conn.Close()
			}
		}()
		_, err := DialTCP(t.Context(), ln.Addr().String(), Config{Key: key})
		if err == nil || !isLost(err) || errors.Is(err, ErrNotDispatcher) {
			t.Errorf("DialTCP: %v", err)
		}
	})
}
