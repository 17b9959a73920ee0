package test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

// encrypted is a connection to the HTTPS door.
func encrypted(t *testing.T, c *cluster.Cluster, config *tls.Config) *tls.Conn {
	t.Helper()
	config.ServerName = "127.0.0.1"
	conn := tls.Client(dial(t, strings.TrimPrefix(c.REST(), "https://")), config)
	t.Cleanup(func() { conn.NetConn().Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// Whatever is sent to the HTTPS door, it costs little, is answered in the API's form or
// not at all, and others are served.
func TestAttacksOnHTTPS(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	before := residentMiB(t, c.Dispatcher.PID())

	hugeHeader(t, ann)
	tooManyHeaders(t, ann)
	ann.do(t, "POST", "/api/v1/tasks", "\x1f\x8b\x08", "Content-Encoding", "gzip").refused(t, "gzip", 415, "unsupported-encoding")
	ann.do(t, "POST", "/api/v1/tasks", `{"argv":["true"]}`, "Origin", "https://evil.example").refused(t, "a foreign page", 403, "denied")
	ann.do(t, "GET", "/api/v1/tasks", "", "Origin", "null").refused(t, "a page of nowhere", 403, "denied")
	ann.do(t, "GET", "/api/v1/tasks", "", "Sec-Fetch-Site", "cross-site").refused(t, "a picture in a page", 403, "denied")
	preflight := ann.do(t, "OPTIONS", "/api/v1/tasks", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	if preflight.status/100 == 2 || preflight.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign page's question: %+v", preflight)
	}
	ann.do(t, "POST", "/api/v1/tasks", strings.Repeat("[", 1<<20)).refused(t, "a deep body", 400, "bad-input")
	ann.do(t, "POST", "/api/v1/tasks", `{"name":"`+strings.Repeat("x", 5<<20)+`"}`).refused(t, "a large body", 413, "too-large")
	for _, path := range []string{"/api/v1/../v1/users", "/api/v1//tasks", "/api/v1/tasks/%2e%2e/users", "/debug/pprof/", "/metrics", "/"} {
		if a := ann.do(t, "GET", path, ""); a.status/100 == 2 || a.status/100 == 3 {
			t.Errorf("%s: %+v", path, a)
		}
	}
	ann.do(t, "TRACE", "/api/v1/tasks", "").refused(t, "TRACE", 405, "method-not-allowed")
	oldTLS(t, c)
	plainHTTP(t, c)
	smuggled(t, ann)

	if list := strings.TrimSpace(ann.must(t, "ls", "-a", "-o", "quiet")); list != "" {
		t.Errorf("tasks are %q", list)
	}
	if after := residentMiB(t, c.Dispatcher.PID()); after > before+100 {
		t.Errorf("the dispatcher has %d MiB, had %d", after, before)
	}
}

// hugeHeader sends 10 MB of one header, and none of it is kept.
func hugeHeader(t *testing.T, p *person) {
	t.Helper()
	conn := encrypted(t, p.c, trust(t, p.c))
	fmt.Fprintf(conn, "GET /api/v1/self HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Long: ", p.token)
	sent := 0
	for chunk := []byte(strings.Repeat("x", 64<<10)); sent < 10<<20; sent += len(chunk) {
		if _, err := conn.Write(chunk); err != nil {
			break
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && answer.StatusCode != 431 {
		t.Errorf("a header of 10 MB is answered by %v", answer.Status)
	}
	if sent > 8<<20 {
		t.Errorf("%d bytes of a header were taken", sent)
	}
}

func tooManyHeaders(t *testing.T, p *person) {
	t.Helper()
	r, err := http.NewRequestWithContext(timeout(t), "GET", p.c.REST()+"/api/v1/self", nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+p.token)
	for i := range 20_000 {
		r.Header.Set("X-"+strconv.Itoa(i), "x")
	}
	response, err := p.web.Do(r)
	if err == nil {
		defer response.Body.Close()
		if response.StatusCode != 431 {
			t.Errorf("20000 headers: %v", response.Status)
		}
	}
}

func oldTLS(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	config := trust(t, c)
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
	if err := encrypted(t, c, config).HandshakeContext(timeout(t)); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	config = trust(t, c)
	conn := encrypted(t, c, config)
	check(t, conn.HandshakeContext(timeout(t)))
	if got := conn.ConnectionState().Version; got != tls.VersionTLS13 {
		t.Errorf("TLS %x is spoken", got)
	}
	if got := fingerprintOf(authority(t, c)); got != c.Fingerprint() {
		t.Errorf("the authority is %s, the log says %s", got, c.Fingerprint())
	}
	if err := encrypted(t, c, &tls.Config{}).HandshakeContext(timeout(t)); err == nil {
		t.Error("the world trusts the authority")
	}
}

// plainHTTP gets nothing of what the API tells.
func plainHTTP(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	conn := dial(t, strings.TrimPrefix(c.REST(), "https://"))
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	text, _ := io.ReadAll(conn)
	if strings.Contains(string(text), `"status"`) || strings.Contains(string(text), " 200 ") {
		t.Errorf("plain HTTP is answered by %q", text)
	}
}

// smuggled hides a second request in the body of one; it is never answered.
func smuggled(t *testing.T, p *person) {
	t.Helper()
	for _, framing := range []string{"Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 200", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"} {
		conn := encrypted(t, p.c, trust(t, p.c))
		token := "Authorization: Bearer " + p.token
		fmt.Fprintf(conn, "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\n%s\r\n%s\r\n\r\n0\r\n\r\nGET /api/v1/self HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", token, framing, token)
		conn.CloseWrite()
		text, _ := io.ReadAll(conn)
		if n := strings.Count(string(text), "HTTP/1.1 "); n != 1 {
			t.Errorf("%q: %d answers: %s", framing, n, text)
		}
	}
}

// An address has its share of connections and no more; others have theirs.
func TestConnectionsOfOneAddress(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	ann.web.CloseIdleConnections()
	var busy []*tls.Conn
	for range 64 {
		conn := encrypted(t, c, trust(t, c))
		check(t, conn.HandshakeContext(timeout(t)))
		// A body that does not come: the connection is at work.
		fmt.Fprintf(conn, "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", ann.token)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("connection %d is answered by %q, %v", len(busy), line, err)
		}
		busy = append(busy, conn)
	}
	for i := range 6 {
		crowdedOut(t, ann, 65+i)
	}
	elsewhere := browser(t, c)
	elsewhere.Transport.(*http.Transport).DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext
	if a := ask(t, elsewhere, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+ann.token); a.status != 200 {
		t.Errorf("another address: %+v", a)
	}
	must(t, c, "ls")
	for _, conn := range busy {
		conn.NetConn().Close()
	}
	awaitSuccess(t, func() bool { return ann.do(t, "GET", "/api/v1/self", "").status == 200 })
}

// crowdedOut expects that a further connection is told so, or shut.
func crowdedOut(t *testing.T, p *person, nth int) {
	t.Helper()
	conn := encrypted(t, p.c, trust(t, p.c))
	fmt.Fprintf(conn, "GET /api/v1/self HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", p.token)
	text, err := io.ReadAll(conn)
	if err == nil || len(text) > 0 {
		if !strings.HasPrefix(string(text), "HTTP/1.1 429 ") || !strings.Contains(string(text), `"kind":"full"`) {
			t.Errorf("connection %d: %q, %v", nth, text, err)
		}
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection %d hangs", nth)
	}
}

// A token has its rate, and who has used it up is told when to come again.
func TestRateOfRequests(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "1", "--rest-burst", "5"}})
	start(t, c.Dispatcher)
	must(t, c, "user", "add", "ann")
	ann := &person{c, "ann", newToken(t, c, "--user", "ann"), browser(t, c)}
	var refused answer
	for range 50 {
		if refused = ann.do(t, "GET", "/api/v1/self", ""); refused.status != 200 {
			break
		}
	}
	refused.refused(t, "one of many", 429, "full")
	after, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if err != nil || after < 1 || after > 10 {
		t.Errorf("again after %q", refused.header.Get("Retry-After"))
	}
	must(t, c, "ls") // by the socket
	ctx, cancel := context.WithTimeout(timeout(t), time.Duration(after)*time.Second)
	defer cancel()
	<-ctx.Done()
	if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("after %d s: %+v", after, a)
	}
}
