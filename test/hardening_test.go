package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/octaskly/octaskly/test/cluster"
)

// h2 is a client of HTTP/2 that sends the frames that it likes.
type h2 struct {
	*http2.Framer
	conn  *tls.Conn
	block bytes.Buffer
	hpack *hpack.Encoder
	next  uint32
	token string
}

func dialH2(t *testing.T, p *person) *h2 {
	t.Helper()
	config := trust(t, p.c)
	config.NextProtos = []string{"h2"}
	conn := encrypted(t, p.c, config)
	check(t, conn.HandshakeContext(timeout(t)))
	h := &h2{Framer: http2.NewFramer(conn, conn), conn: conn, next: 1, token: p.token}
	h.hpack = hpack.NewEncoder(&h.block)
	_, err := io.WriteString(conn, http2.ClientPreface)
	check(t, err)
	check(t, h.WriteSettings())
	return h
}

// ask opens a stream by a request for a path.
func (h *h2) ask(path string, fields ...string) (stream uint32, err error) {
	h.block.Reset()
	for _, field := range append([]string{":method GET", ":scheme https", ":authority x", ":path " + path, "authorization Bearer " + h.token}, fields...) {
		name, value, _ := strings.Cut(field, " ")
		h.hpack.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	stream = h.next
	h.next += 2
	return stream, h.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: h.block.Bytes(), EndStream: true, EndHeaders: true})
}

// drain reads frames until the connection ends, and says how it was told to go.
func (h *h2) drain() (code http2.ErrCode, told bool, err error) {
	for {
		frame, err := h.ReadFrame()
		if err != nil {
			return code, told, err
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			code, told = away.ErrCode, true
		}
	}
}

// status reads the status of a stream's answer.
func (h *h2) status(stream uint32) (string, error) {
	decoder := hpack.NewDecoder(4096, nil)
	for {
		frame, err := h.ReadFrame()
		if err != nil {
			return "", err
		}
		headers, ok := frame.(*http2.HeadersFrame)
		if !ok || headers.StreamID != stream {
			continue
		}
		fields, err := decoder.DecodeFull(headers.HeaderBlockFragment())
		if err != nil {
			return "", err
		}
		return fields[0].Value, nil
	}
}

// afterwards expects that a dispatcher has not grown and serves.
func afterwards(t *testing.T, p *person, before int) {
	t.Helper()
	p.web.CloseIdleConnections()
	if a := p.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
	if after := residentMiB(t, p.c.Dispatcher.PID()); after > before+100 {
		t.Errorf("the dispatcher has %d MiB, had %d", after, before)
	}
}

// Streams that are opened and reset without end (CVE-2023-44487) cost nobody else
// anything: the work that they leave behind is bounded for each connection.
func TestRapidReset(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "1000000", "--rest-burst", "1000000"}})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	for range 100 {
		ann.do(t, "POST", "/api/v1/tasks", `{"argv":["true"]}`)
	}
	before := residentMiB(t, c.Dispatcher.PID())
	for range 4 {
		h := dialH2(t, ann)
		ended := make(chan error, 1)
		go func() {
			code, told, err := h.drain()
			t.Logf("it was told to go: %v, %v", told, code)
			ended <- err
		}()
		for sent := range 20_000 {
			stream, err := h.ask("/api/v1/tasks?all&limit=1000")
			if err == nil {
				err = h.WriteRSTStream(stream, http2.ErrCodeCancel)
			}
			if err != nil {
				t.Logf("the connection is cut after %d resets", sent)
				break
			}
			if sent%2000 == 500 {
				begun := time.Now()
				if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 || time.Since(begun) > 10*time.Second {
					t.Errorf("amid resets another is answered %d after %v", a.status, time.Since(begun))
				}
			}
		}
		h.conn.NetConn().Close()
		<-ended
	}
	afterwards(t, ann, before)
}

// A header that goes on in CONTINUATION frames for ever is no longer read at its bound.
func TestContinuationFlood(t *testing.T) {
	ann := annOnly(t, "client")
	before := residentMiB(t, ann.c.Dispatcher.PID())
	h := dialH2(t, ann)
	h.hpack.WriteField(hpack.HeaderField{Name: ":method", Value: "GET"})
	check(t, h.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.block.Bytes()}))
	ended := make(chan error, 1)
	go func() {
		_, _, err := h.drain()
		ended <- err
	}()
	h.block.Reset()
	for range 100 {
		h.hpack.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 150), Sensitive: true})
	}
	sent := 0
	for ; sent < 10<<20; sent += h.block.Len() {
		if h.WriteContinuation(1, false, h.block.Bytes()) != nil {
			break
		}
	}
	if sent >= 10<<20 {
		t.Errorf("%d bytes of one header were read", sent)
	}
	if err := <-ended; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection ended by %v", err)
	}
	afterwards(t, ann, before)
}

// Paths are no different over HTTP/2, where no line of text holds them.
func TestPathTricksHTTP2(t *testing.T) {
	ann := annOnly(t, "client")
	for _, path := range []string{
		"/api/v1/../v1/users", "/api/v1//self", "//api/v1/self", "/api/v1/self/", "/api/v1/tasks/%2e%2e/self", "/api/v1/self%2f", "/API/v1/self",
		"/api/v1/self;x", "/debug/pprof/", "https://x/api/v1/self", "/api/v1/tasks/1%00", "/api\\v1\\self",
	} {
		h := dialH2(t, ann)
		stream, err := h.ask(path)
		check(t, err)
		if status, err := h.status(stream); err == nil && !strings.HasPrefix(status, "4") {
			t.Errorf("%s is answered %s", path, status)
		}
		h.conn.NetConn().Close()
	}
	h := dialH2(t, ann)
	stream, err := h.ask("/api/v1/self", "connection close", "transfer-encoding chunked")
	check(t, err)
	if status, err := h.status(stream); err == nil && !strings.HasPrefix(status, "4") {
		t.Errorf("headers of HTTP/1.1 are answered %s", status)
	}
}

// A small body that becomes large is never unpacked.
func TestGzipBomb(t *testing.T) {
	ann := annOnly(t, "client")
	before := residentMiB(t, ann.c.Dispatcher.PID())
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 512 {
		z.Write(make([]byte, 1<<20))
	}
	check(t, z.Close())
	for _, coding := range []string{"gzip", "x-gzip", "GZIP", "gzip, gzip", "deflate", "br", "zstd", "identity, gzip"} {
		ann.do(t, "POST", "/api/v1/tasks", bomb.String(), "Content-Encoding", coding).refused(t, coding, 415, "unsupported-encoding")
	}
	ann.do(t, "POST", "/api/v1/tasks", bomb.String()).refused(t, "a bomb by no name", 400, "bad-input")
	afterwards(t, ann, before)
}

// Connections that send their requests a byte at a time, however many there are, keep
// nobody from being served, and end.
func TestSlowloris(t *testing.T) {
	ann := annOnly(t, "client")
	const many = 200
	drips := make([]net.Conn, many)
	for i := range drips {
		conn := encrypted(t, ann.c, trust(t, ann.c))
		check(t, conn.HandshakeContext(timeout(t)))
		_, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\nX: ")
		check(t, err)
		drips[i] = conn
	}
	ended := make(chan int, many)
	for i, conn := range drips {
		go func() {
			io.Copy(io.Discard, conn)
			ended <- i
		}()
	}
	begun, drip := time.Now(), time.NewTicker(50*time.Millisecond)
	defer drip.Stop()
	for over := 0; over < many; {
		select {
		case <-ended:
			over++
		case <-drip.C:
			for _, conn := range drips {
				conn.Write([]byte("x"))
			}
			asked := time.Now()
			if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 || time.Since(asked) > 5*time.Second {
				t.Fatalf("amid %d slow ones: status %d after %v", many-over, a.status, time.Since(asked))
			}
		case <-timeout(t).Done():
			t.Fatal("they go on")
		}
		if time.Since(begun) > 30*time.Second { // a header has 10 s
			t.Fatalf("%d of %d slow headers go on after %v", many-over, many, time.Since(begun))
		}
	}
}

// A body that comes a byte at a time is not awaited where nobody wants it.
func TestSlowUnwantedBody(t *testing.T) {
	ann := annOnly(t, "client")
	for name, start := range map[string]string{
		"no token": "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"no path":  "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"in parts": "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
	} {
		conn := encrypted(t, ann.c, trust(t, ann.c))
		begun := time.Now()
		_, err := io.WriteString(conn, start)
		check(t, err)
		stop := make(chan struct{})
		go func() {
			drip := time.NewTicker(100 * time.Millisecond)
			defer drip.Stop()
			for {
				select {
				case <-drip.C:
					conn.Write([]byte("x"))
				case <-stop:
					return
				}
			}
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		close(stop)
		if err == nil && !strings.HasPrefix(line, "HTTP/1.1 4") || time.Since(begun) > 20*time.Second {
			t.Errorf("%s: %q, %v after %v", name, line, err, time.Since(begun))
		}
		conn.NetConn().Close()
	}
}

// A page gets what it may of what the operator has named, and nothing else.
func TestPages(t *testing.T) {
	const page = "https://board.example"
	c := cluster.Open(t, cluster.Options{REST: true})
	check(t, os.WriteFile(filepath.Join(c.Dir, "config", "dispatcher.toml"), []byte(`cors_origins = ["`+page+`"]`), 0o600))
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	for _, tt := range []struct {
		method, origin string
		status         int
		allowed        string
	}{
		{"GET", "", 200, ""},
		{"GET", page, 200, page},
		{"GET", page + ":443", 403, ""},
		{"GET", "http://board.example", 403, ""},
		{"GET", "https://evil.example", 403, ""},
		{"GET", "null", 403, ""},
		{"GET", "*", 403, ""},
		{"OPTIONS", page, 204, page},
		{"OPTIONS", "https://evil.example", 403, ""},
	} {
		headers := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
		if tt.method == "GET" {
			headers = nil
		}
		if tt.origin != "" {
			headers = append(headers, "Origin", tt.origin)
		}
		a := ask(t, ann.web, c.REST()+"/health", tt.method, "", headers...)
		if got := a.header.Get("Access-Control-Allow-Origin"); a.status != tt.status || got != tt.allowed || got == "*" {
			t.Errorf("%s from %q: status %d, allowed is %q", tt.method, tt.origin, a.status, got)
		}
		if a.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.header.Get("Vary"), "Origin") {
			t.Errorf("%s from %q: %v", tt.method, tt.origin, a.header)
		}
	}
	conn, err := net.Dial("unix", c.Socket())
	check(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET /health HTTP/1.1\r\nHost: octaskly\r\nOrigin: %s\r\nConnection: close\r\n\r\n", page)
	if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 403") || strings.Contains(string(text), "Access-Control") {
		t.Errorf("by the socket: %q, %v", text, err)
	}
}

// annOnly is a user of a dispatcher of his own.
func annOnly(t *testing.T, role string) *person {
	t.Helper()
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	return settle(t, c, "ann", role)
}

// Who is no admin is told how many tasks of his own there are, and of no others.
func TestStatsAreOfOwners(t *testing.T) {
	ann := annOnly(t, "client")
	c := ann.c
	bob, op := settle(t, c, "bob", "client"), settle(t, c, "op", "dispatcher")
	ann.must(t, "submit", "--", "true")
	bob.must(t, "submit", "--array", "0-9", "--", "true")
	for _, tt := range []struct {
		who  *person
		args []string
		want []string
	}{
		{ann, nil, []string{"queued: 1 ", "jobs: 1 not over", "counted: yours", "slots: 0"}},
		{bob, nil, []string{"queued: 10 ", "jobs: 1 not over", "counted: yours"}},
		{ann, []string{"--owner", "ann"}, []string{"queued: 1 ", "counted: ann's"}},
		{op, nil, []string{"queued: 11 ", "jobs: 2 not over", "database:"}},
		{op, []string{"--owner", "bob"}, []string{"queued: 10 ", "counted: bob's"}},
		{op, []string{"--owner", "nobody"}, []string{"queued: 0 "}},
	} {
		text := strings.Join(strings.Fields(tt.who.must(t, append([]string{"stats"}, tt.args...)...)), " ")
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s %q is told %q, without %q", tt.who.name, tt.args, text, want)
			}
		}
		if tt.who != op && strings.Contains(text, "database:") {
			t.Errorf("%s is told %q", tt.who.name, text)
		}
	}
	ann.do(t, "GET", "/api/v1/stats?owner=bob", "").refused(t, "another's figures", 403, "denied")
	if got := ann.ctl(t, "stats", "--owner", "bob"); got.Code != 77 {
		t.Errorf("another's figures: %+v", got)
	}
}
