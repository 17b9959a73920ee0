package client

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestWays: calls go by HTTP/1.1, one connection for all that come one after the other,
// and what lasts by HTTP/2, one connection for all at once.
func TestWays(t *testing.T) {
	const followers = 20
	r := &remote{book: newBook()}
	var mu sync.Mutex
	conns := map[string]map[string]bool{} // by version
	made := 0
	all := make(chan struct{}) // closed when all follow
	following := 0
	r.listen(t, func(ctx context.Context, ln net.Listener, config *tls.Config) error {
		server := &http.Server{TLSConfig: config, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			if conns[r.Proto] == nil {
				conns[r.Proto] = map[string]bool{}
			}
			conns[r.Proto][r.RemoteAddr] = true
			lasts := strings.HasSuffix(r.URL.Path, "/watch") || strings.HasSuffix(r.URL.Path, "/output")
			if lasts {
				if following++; following == followers {
					close(all)
				}
			}
			mu.Unlock()
			if lasts {
				<-all
				return
			}
			io.WriteString(w, "{}")
		}), ConnState: func(_ net.Conn, state http.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			if state == http.StateNew {
				made++
			}
		}}
		go func() { <-ctx.Done(); server.Close() }()
		if err := server.ServeTLS(ln, "", ""); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	c := r.client(t, Context{Name: "lab", URL: r.url, CA: r.ca, Token: "t"}, nil)
	counts := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return made, len(conns["HTTP/1.1"])
	}
	one := false // connection was enough
	for round := 0; round < rounds && !one; round++ {
		mu.Lock()
		delete(conns, "HTTP/1.1")
		mu.Unlock()
		before, _ := counts()
		for range 5 {
			if _, err := c.Stats(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		after, used := counts()
		one = after-before <= 1 && used == 1
	}
	brief, _ := counts()
	var group sync.WaitGroup
	for i := range followers {
		group.Go(func() {
			if i%2 == 0 {
				c.Watch(t.Context(), job, func(*api.Job) error { return nil })
				return
			}
			if out, err := c.Output(t.Context(), octaskly.TaskID{Job: 42}, OutputOptions{Follow: true}); err == nil {
				out.Close()
			}
		})
	}
	group.Wait()
	if !one || made != brief+1 || len(conns) != 2 || len(conns["HTTP/2.0"]) != 1 {
		t.Errorf("%d connections and %d, by version: %v", brief, made-brief, conns)
	}
}
