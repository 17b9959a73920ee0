package api

import (
	"bufio"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Requests that two programs might take apart differently: the second request
// inside is never served, and whatever is served is what was asked.
func TestSmuggling(t *testing.T) {
	const inner = "DELETE /api/v1/tasks/13 HTTP/1.1\r\nHost: octaskly\r\n\r\n"
	const start = "POST /api/v1/tasks HTTP/1.1\r\nHost: octaskly\r\n"
	tests := []struct{ name, send string }{
		{"length and chunks", start + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner},
		{"chunks and length", start + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + inner},
		{"two lengths", start + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + inner},
		{"list of lengths", start + "Content-Length: 0, 60\r\n\r\n" + inner},
		{"signed length", start + "Content-Length: +0\r\n\r\n" + inner},
		{"hex length", start + "Content-Length: 0x0\r\n\r\n" + inner},
		{"negative length", start + "Content-Length: -1\r\n\r\n" + inner},
		{"two codings", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + inner},
		{"odd coding", start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner},
		{"space before colon", start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner},
		{"folded coding", start + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner},
		{"folded first line", "POST /api/v1/tasks HTTP/1.1\r\n X: y\r\nHost: octaskly\r\n\r\n" + inner},
		{"two hosts", "POST /api/v1/tasks HTTP/1.1\r\nHost: octaskly\r\nHost: evil\r\n\r\n" + inner},
		{"no host", "POST /api/v1/tasks HTTP/1.1\r\n\r\n" + inner},
		{"bare CR", start + "X: a\rTransfer-Encoding: chunked\r\n\r\n" + inner},
		{"bare LF in a chunk", start + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n" + inner},
		{"chunk size too large", start + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + inner},
		{"NUL in a header", start + "X: \x00\r\n\r\n" + inner},
		{"HTTP/0.9", "POST /api/v1/tasks\r\n\r\n" + inner},
		{"HTTP/9.9", "POST /api/v1/tasks HTTP/9.9\r\nHost: octaskly\r\n\r\n" + inner},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{asked: func(s string) { t.Errorf("the dispatcher was asked: %s", s) }}
			answer := startReal(t, newHandler(f), restless).talk(tt.send)
			if n := strings.Count(answer, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(answer, "HTTP/1.1 4") && !strings.HasPrefix(answer, "HTTP/1.1 5") {
				t.Errorf("%d answers: %q", n, answer)
			}
		})
	}
}

// Bare line feeds and folded lines mean one thing only to us: they are what RFC
// 9112 allows, and nothing hides behind them.
func TestBareLineFeeds(t *testing.T) {
	var asked []string
	f := &fake{asked: func(s string) { asked = append(asked, s) }}
	answer := startReal(t, newHandler(f), restless).talk("GET /api/v1/tasks/7 HTTP/1.1\nHost: octaskly\nX: a\n b\n\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200") || len(asked) != 1 || !strings.HasPrefix(asked[0], "show") {
		t.Errorf("asked %q, answered %q", asked, answer)
	}
}

// After a body in chunks a connection ends: what follows may be the end of what
// somebody in between took for the body.
func TestChunksEndTheConnection(t *testing.T) {
	server := startReal(t, newHandler(&fake{}), usual)
	conn := server.dial()
	text := `{"argv":["true"]}`
	io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n11\r\n"+text+"\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: octaskly\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if n := strings.Count(string(answer), "HTTP/1.1 "); n != 1 || err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 201") {
		t.Errorf("%d answers: %q, %v", n, answer, err)
	}
}

// Ten megabytes of header are neither read nor kept.
func TestHugeHeaders(t *testing.T) {
	huge := strings.Repeat("x", 10<<20)
	for _, start := range []string{
		"GET /health HTTP/1.1\r\nHost: octaskly\r\nX: " + huge,
		"GET /health HTTP/1.1\r\nHost: octaskly\r\n" + strings.Repeat("X: "+huge[:1000]+"\r\n", 10_000),
		"GET /" + huge,
		huge,
	} {
		server := startReal(t, newHandler(&fake{}), usual)
		conn := server.dial()
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		data := []byte(start)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		sent := make(chan int)
		go func() {
			n, _ := conn.Write(data)
			sent <- n
		}()
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		n := <-sent
		runtime.ReadMemStats(&after)
		if !strings.HasPrefix(answer, "HTTP/1.1 431") && !strings.HasPrefix(answer, "HTTP/1.1 400") && answer != "" {
			t.Errorf("answered %q", answer)
		}
		if n > 2<<20 || after.TotalAlloc-before.TotalAlloc > 4<<20 {
			t.Errorf("%d bytes were taken, %d allocated", n, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

func TestHugeHeadersHTTP2(t *testing.T) {
	r := startRemote(t, tlsDoor, newFleetHandler(&fake{}, &books{}), usualRemote())
	request, _ := http.NewRequest("GET", "https://"+r.addr+"/health", nil)
	for range 1100 {
		request.Header.Add("X", strings.Repeat("x", 64))
	}
	answer, err := r.client(true).Do(request)
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("answered %s", answer.Status)
		}
	}
}

// Who drips a header away, a byte now and then, is cut when its time is over.
func TestSlowloris(t *testing.T) {
	server := startReal(t, newHandler(&fake{}), hasty)
	conn := server.dial()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, conn)
	}()
	drip := time.NewTicker(time.Millisecond)
	defer drip.Stop()
	io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: octaskly\r\nX: ")
	for begun := time.Now(); ; {
		select {
		case <-ended:
			return
		case <-drip.C:
			io.WriteString(conn, "x")
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatal("a header may take as long as it likes")
		}
	}
}
