package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// hasty is for headers that never come. Others would be lost with it, if anything
// stalls for that long: a deadline that has passed also ends a read of what is there.
var hasty = limits{connections: 1024, header: 50 * time.Millisecond, idle: 50 * time.Millisecond, write: time.Minute, grace: 50 * time.Millisecond}

// restless ends connections soon when nothing comes after an answer.
var restless = limits{connections: 1024, header: time.Minute, idle: 50 * time.Millisecond, write: time.Minute, grace: 50 * time.Millisecond}

const head = "POST /api/v1/tasks HTTP/1.1\r\nHost: octaskly\r\n"

func TestSlow(t *testing.T) {
	h := newHandler(&fake{put: drain})
	h.bodyTimeout = 50 * time.Millisecond
	soon := restless
	soon.header = time.Second // in which the server must have read what was sent
	server := startReal(t, h, restless)
	blob := "PUT /api/v1/blobs/" + someHash + " HTTP/1.1\r\nHost: octaskly\r\n"
	for _, tt := range []struct {
		name       string
		server     *real
		send, want string
	}{
		{"silence", startReal(t, h, hasty), "", ""},
		{"header", startReal(t, h, soon), "POST /api/v1/tasks HT", "HTTP/1.1 400 Bad Request"},
		{"idle", server, "GET /health HTTP/1.1\r\nHost: octaskly\r\n\r\n", `{"status":"ok"}`},
		{"body", server, head + "Content-Length: 100\r\n\r\n{", "HTTP/1.1 408 Request Timeout"},
		{"chunked body", server, head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{", "HTTP/1.1 408 Request Timeout"},
		{"blob", server, blob + "Content-Length: 100\r\n\r\n{", `"kind":"too-slow","message":"cannot read the body: it did not arrive in time`},
		{"body that nobody reads", server, "GET /nothing HTTP/1.1\r\nHost: octaskly\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if answer := tt.server.talk(tt.send); !strings.Contains(answer, tt.want) || tt.want == "" && answer != "" {
				t.Errorf("got %q, want %q", answer, tt.want)
			}
		})
	}
}

// TestShortBody loses its sender in the middle.
func TestShortBody(t *testing.T) {
	server := startReal(t, newHandler(&fake{}), usual)
	conn := server.dial().(*net.UnixConn)
	io.WriteString(conn, head+"Content-Length: 100\r\n\r\n{")
	conn.CloseWrite()
	if answer, err := io.ReadAll(conn); !bytes.Contains(answer, []byte("HTTP/1.1 400")) || err != nil {
		t.Errorf("got %q, %v", answer, err)
	}
}

// TestDeadlineOfBodyOnly does not end a request whose body has come.
func TestDeadlineOfBodyOnly(t *testing.T) {
	eachBodyTimeout(t, func(timeout time.Duration) (fault string) {
		h := newHandler(outlasting(timeout))
		h.bodyTimeout = timeout
		if answer := <-post(startReal(t, h, usual)); answer != `201 {"id":"7","tasks":1,"repeated":true}` {
			return answer
		}
		return ""
	})
}

// outlasting is a dispatcher that takes longer than a body may take.
func outlasting(timeout time.Duration) *fake {
	return &fake{submit: func(ctx context.Context, _ *Order) (octaskly.JobID, bool, error) {
		select {
		case <-ctx.Done():
			return 0, false, ctx.Err()
		case <-time.After(3 * timeout):
			return 7, true, nil
		}
	}}
}

// eachBodyTimeout tries longer and longer ones: on a busy machine, a body does not
// come in time for a short one. What is wrong is so with each.
func eachBodyTimeout(t *testing.T, try func(timeout time.Duration) (fault string)) {
	var fault string
	for timeout := 20 * time.Millisecond; timeout < 10*time.Second; timeout *= 4 {
		if fault = try(timeout); fault == "" {
			return
		}
	}
	t.Error(fault)
}

func TestLargeHeader(t *testing.T) {
	server := startReal(t, newHandler(&fake{}), usual)
	r, _ := http.NewRequest("GET", "http://octaskly/health", nil)
	r.Header.Set("X", strings.Repeat("x", 70<<10))
	answer, err := server.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %s", answer.Status)
	}
}

func TestOptionsStar(t *testing.T) {
	server := startReal(t, newHandler(&fake{}), restless)
	if answer := server.talk("OPTIONS * HTTP/1.1\r\nHost: octaskly\r\n\r\n"); !strings.Contains(answer, "HTTP/1.1 404") {
		t.Errorf("got %q", answer)
	}
}

// TestGrace lets a request that is being served come to its end.
func TestGrace(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	f := &fake{submit: func(ctx context.Context, _ *Order) (octaskly.JobID, bool, error) {
		close(begun)
		select {
		case <-goOn:
			return 7, false, nil
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}}
	server := startReal(t, newHandler(f), usual)
	got := post(server)
	<-begun
	server.stop()
	close(goOn)
	if answer := <-got; answer != `201 {"id":"7","tasks":1}` {
		t.Errorf("got %s", answer)
	}
}

// TestGraceEnds cuts a request that does not come to its end.
func TestGraceEnds(t *testing.T) {
	begun := make(chan struct{})
	f := &fake{submit: func(ctx context.Context, _ *Order) (octaskly.JobID, bool, error) {
		close(begun)
		<-ctx.Done()
		return 0, false, ctx.Err()
	}}
	short := usual
	short.grace = 50 * time.Millisecond
	server := startReal(t, newHandler(f), short)
	got := post(server)
	select {
	case <-begun:
	case answer := <-got:
		t.Fatal(answer)
	}
	server.stop()
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
	if answer := <-got; strings.HasPrefix(answer, "2") {
		t.Errorf("got %s", answer)
	}
}

// post submits and returns status and body, or the error.
func post(server *real) <-chan string {
	got := make(chan string, 1)
	go func() {
		answer, err := server.client.Post("http://octaskly/api/v1/tasks", "", strings.NewReader(`{"argv":["true"]}`))
		if err != nil {
			got <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		got <- fmt.Sprintf("%d %s", answer.StatusCode, bytes.TrimSpace(body))
	}()
	return got
}

func TestServeListenerFails(t *testing.T) {
	ln, err := Listen(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := Serve(t.Context(), ln, newHandler(&fake{}), quiet); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestInternalErrorIsLogged tells the log what the caller is not told.
func TestInternalErrorIsLogged(t *testing.T) {
	var log bytes.Buffer
	f := &fake{err: errors.New("a secret of the disk")}
	h := newHandler(f)
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	do(h, "GET", "/api/v1/stats", "")
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "path=/api/v1/stats") || !strings.Contains(text, "a secret of the disk") {
		t.Errorf("logged %q", text)
	}

	log.Reset()
	f.err = octaskly.ErrNotFound
	do(h, "GET", "/api/v1/stats", "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.err = errors.New("the caller has left")
	h.ServeHTTP(httptest.NewRecorder(), newRequest(ann, "GET", "/api/v1/stats", "").WithContext(ctx))
	if text := log.String(); text != "" {
		t.Errorf("logged %q", text)
	}
}

// TestConnections makes the connection past the bound wait for another's end.
func TestConnections(t *testing.T) {
	few := usual
	few.connections = 2
	server := startReal(t, newHandler(&fake{}), few)
	served := make(chan string, 3)
	ask := func(conn net.Conn) {
		io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: octaskly\r\n\r\n")
		line := make([]byte, 15)
		io.ReadFull(conn, line)
		served <- string(line)
	}
	one, two, three := server.dial(), server.dial(), server.dial()
	ask(one)
	ask(two)
	go ask(three)
	for range 2 {
		if line := <-served; line != "HTTP/1.1 200 OK" {
			t.Fatal(line)
		}
	}
	select {
	case line := <-served:
		t.Fatalf("the third is served: %s", line)
	case <-time.After(20 * time.Millisecond):
	}
	one.Close()
	if line := <-served; line != "HTTP/1.1 200 OK" {
		t.Error(line)
	}
}

// TestManyClients submits from 64 connections at once.
func TestManyClients(t *testing.T) {
	var mu sync.Mutex
	var last octaskly.JobID
	f := &fake{submit: func(context.Context, *Order) (octaskly.JobID, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		last++
		return last, false, nil
	}}
	server := startReal(t, newHandler(f), usual)
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for range 5 {
				if answer := <-post(server); !strings.HasPrefix(answer, "201 ") {
					t.Error(answer)
				}
			}
		})
	}
	clients.Wait()
	if last != 64*5 {
		t.Errorf("%d jobs, want %d", last, 64*5)
	}
}
