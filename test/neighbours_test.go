package test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// Whoever follows much, and whoever asks much without a token, keeps out nobody else
// at his address.
func TestNeighbours(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "1", "--rest-burst", "100"}})
	start(t, c.Dispatcher)
	ann, bob := settle(t, c, "ann", "client"), settle(t, c, "bob", "client")
	ann.do(t, "GET", "/api/v1/self", "")
	followed := 0
	for range 60 {
		conn := encrypted(t, c, trust(t, c))
		fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n", bob.token)
		line, err := bufio.NewReader(conn).ReadString('\n')
		check(t, err)
		if strings.Contains(line, " 200 ") {
			followed++
		} else if !strings.Contains(line, " 429 ") {
			t.Fatalf("a follower is answered %q", line)
		}
	}
	if followed != 48 {
		t.Errorf("bob follows %d things", followed)
	}
	if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("ann, beside followers: %+v", a)
	}
	stranger := &person{c, "nobody", "", ann.web}
	for stranger.do(t, "GET", "/api/v1/self", "").status != 429 {
	}
	if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("ann, beside strangers: %+v", a)
	}
	if r := ann.ctl(t, "stats"); r.Code != 0 {
		t.Errorf("her octasklyctl: %+v", r)
	}
}
