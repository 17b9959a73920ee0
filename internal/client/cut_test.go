package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// TestCutByHTTPS knows a stream that was cut by either version of HTTP.
func TestCutByHTTPS(t *testing.T) {
	for _, version := range []string{"h2", "http/1.1"} {
		r := &remote{book: newBook()}
		proto := make(chan int, 1)
		r.listen(t, func(ctx context.Context, ln net.Listener, config *tls.Config) error {
			config.NextProtos = []string{version}
			server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				proto <- r.ProtoMajor
				io.WriteString(w, `{"id":"42"}`+"\n"+`{"id":`)
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
			go func() { <-ctx.Done(); server.Close() }()
			if err := server.ServeTLS(ln, "", ""); err != http.ErrServerClosed {
				return err
			}
			return nil
		})
		w := watch{lasting: lasting{client: r.client(t, Context{Name: "lab", URL: r.url, CA: r.ca, Token: "t"}, nil)}, id: job, yield: func(*api.Job) error { return nil }}
		err := w.once(t.Context())
		if got := <-proto; (got == 2) != (version == "h2") {
			t.Errorf("%s: HTTP/%d", version, got)
		}
		if !w.begun || !errors.Is(err, ErrCut) || !w.passing(err) {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// TestLostRenewal asks once more for an answer that was lost.
func TestLostRenewal(t *testing.T) {
	var asked atomic.Int32
	r := &remote{book: newBook()}
	r.listen(t, func(ctx context.Context, ln net.Listener, config *tls.Config) error {
		config.NextProtos = []string{"http/1.1"}
		server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path != "/api/v1/refresh":
				io.WriteString(w, "{}")
			case asked.Add(1) == 1:
				io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler)
			default:
				io.WriteString(w, `{"access_token":"a1","refresh_token":"r1","expires_at":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`)
			}
		}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		go func() { <-ctx.Done(); server.Close() }()
		if err := server.ServeTLS(ln, "", ""); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	if _, err := r.client(t, r.context(-time.Hour), nil).Stats(t.Context()); err != nil || asked.Load() != 2 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// TestRenewalIsFinished even if nobody waits for the call any more: its answer must
// not be lost.
func TestRenewalIsFinished(t *testing.T) {
	r := newRemote(t, &fake{})
	file := stored(t, r.context(-time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	r.book.beforeEnd = cancel
	if _, err := r.client(t, r.context(-time.Hour), file).Stats(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := load(t, file); got.Access != "a1" || got.Refresh != "r1" {
		t.Errorf("stored %+v", got)
	}
}
