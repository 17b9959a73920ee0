package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Browsers, and names that were rebound to this machine, at each door.
func TestDoors(t *testing.T) {
	const page = "Origin"
	tests := []struct {
		door        door
		host        string
		name, value string
		status      int
	}{
		{tlsDoor, "queue.example", "", "", 200},
		{tlsDoor, "anything", "", "", 200},
		{tlsDoor, "queue.example", page, origin, 200},
		{tlsDoor, "queue.example", page, origin + ":443", 403},
		{tlsDoor, "queue.example", page, "https://board.example.evil", 403},
		{tlsDoor, "queue.example", page, "https://queue.example", 403},
		{tlsDoor, "queue.example", page, "null", 403},
		{tlsDoor, "queue.example", page, "", 403},
		{tlsDoor, "queue.example", "Referer", "https://evil/", 403},
		{tlsDoor, "queue.example", "Sec-Fetch-Site", "none", 403},

		{plainDoor, "localhost", "", "", 200},
		{plainDoor, "LOCALHOST:3000", "", "", 200},
		{plainDoor, "127.0.0.1:3000", "", "", 200},
		{plainDoor, "127.9.9.9", "", "", 200},
		{plainDoor, "[::1]:3000", "", "", 200},
		{plainDoor, "[::1]", "", "", 200},
		{plainDoor, "[::ffff:127.0.0.1]", "", "", 200},
		{plainDoor, "evil.example:3000", "", "", 403},
		{plainDoor, "127.0.0.1.evil.example", "", "", 403},
		{plainDoor, "localhost.evil.example", "", "", 403},
		{plainDoor, "0.0.0.0:3000", "", "", 403},
		{plainDoor, "192.0.2.7", "", "", 403},
		{plainDoor, "2130706433", "", "", 403}, // 127.0.0.1 to inet_aton
		{plainDoor, "127.1", "", "", 403},
		{plainDoor, "", "", "", 403},
		{plainDoor, "localhost", page, origin, 200},
		{plainDoor, "localhost", page, "http://localhost:3000", 403},
		{plainDoor, "evil.example", page, origin, 403},

		{unixDoor, Host, page, origin, 403}, // no page has business here
	}
	for _, tt := range tests {
		r := through(tt.door, "", httptest.NewRequest("GET", "/health", nil))
		r.Host = tt.host
		if tt.name != "" {
			r.Header.Set(tt.name, tt.value)
		}
		w := send(newFleetHandler(&fake{}, &books{}), r)
		if w.Code != tt.status {
			t.Errorf("door %d, host %q, %s %q: answered %d, want %d", tt.door, tt.host, tt.name, tt.value, w.Code, tt.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); (got == origin) != (tt.value == origin && tt.door != unixDoor) || got != "" && got != origin {
			t.Errorf("door %d, host %q, %s %q: allows origin %q", tt.door, tt.host, tt.name, tt.value, got)
		}
	}
	two := through(tlsDoor, "", httptest.NewRequest("GET", "/health", nil))
	check(t, send(newFleetHandler(&fake{}, &books{}), two, page, origin, page, "https://evil"), 403, "denied")
}

// A page elsewhere cannot make a browser change anything: by a form it gets no
// further than the door, and with a token it would have to ask first.
func TestForgedRequests(t *testing.T) {
	b := &books{}
	f := &fake{asked: func(s string) { t.Errorf("the dispatcher was asked: %s", s) }}
	for _, d := range []door{unixDoor, tlsDoor, plainDoor} {
		for _, header := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
			r := newRequest(0, "POST", "/api/v1/tasks", `{"argv":["id"]}`)
			if d != unixDoor {
				r = through(d, "admin", r)
			}
			check(t, send(newFleetHandler(f, b), r, header, "https://evil.example", "Content-Type", "text/plain"), 403, "cannot serve a browser")
		}
	}
	if rows := b.taken(); strings.Count(rows, `task.submit "" denied`) != 9 {
		t.Errorf("the audit log has %s", rows)
	}
}

func TestPreflight(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	asks := func(d door, from, path string) *httptest.ResponseRecorder {
		r := through(d, "", httptest.NewRequest("OPTIONS", path, nil))
		if d == unixDoor {
			r = newRequest(ann, "OPTIONS", path, "")
		}
		return send(h, r, "Origin", from, "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization")
	}
	w := asks(tlsDoor, origin, "/api/v1/tasks/42")
	check(t, w, 204, "")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      origin,
		"Access-Control-Allow-Methods":     "GET, DELETE",
		"Access-Control-Allow-Headers":     corsRequest,
		"Access-Control-Allow-Credentials": "",
		"Access-Control-Max-Age":           "600",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if vary := strings.Join(w.Header()["Vary"], ", "); vary != "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" {
		t.Errorf("Vary is %q", vary)
	}
	check(t, asks(tlsDoor, "https://evil", "/api/v1/tasks/42"), 403, "")
	check(t, asks(unixDoor, origin, "/api/v1/tasks/42"), 403, "")
	check(t, asks(tlsDoor, origin, "/nothing"), 404, "")

	without := knowing(New(&fake{}, &books{}, Config{Log: quiet}))
	r := through(tlsDoor, "", httptest.NewRequest("OPTIONS", "/api/v1/tasks", nil))
	w = send(without, r, "Origin", origin, "Access-Control-Request-Method", "POST")
	if check(t, w, 403, ""); w.Header().Get("Vary") != "" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("CORS is off, and answers %v", w.Header())
	}
}

// Every answer may be read by nobody but who has asked.
func TestSafeHeaders(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	for _, target := range []string{"/health", "/nothing", "/api/v1/stats", "/api/v1/tasks/42/output", "/api/v1/tasks/x", "//x"} {
		w := ask(h, "admin", "GET", target, "")
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "", "Vary": "Origin"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestContentEncoding(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	for coding, status := range map[string]int{"gzip": 415, "identity": 201, "deflate, gzip": 415, "br": 415} {
		check(t, ask(h, "client", "POST", "/api/v1/tasks", `{"argv":["true"]}`, "Content-Encoding", coding), status, "")
	}
	check(t, ask(h, "client", "PUT", "/api/v1/blobs/"+someHash, "x", "Content-Encoding", "gzip"), 415, `"kind":"unsupported-encoding"`)
}

// Paths that mean something else to some program in between.
func TestPathTricks(t *testing.T) {
	f := &fake{asked: func(s string) { t.Errorf("the dispatcher was asked: %s", s) }}
	h := newFleetHandler(f, &books{})
	for _, target := range []string{
		"/health/../api/v1/stats", "/health/%2e%2e/api/v1/stats", "/health%2f..%2fapi/v1/stats", "/health/..;/api/v1/stats",
		"//api/v1/stats", "/api//v1/stats", "/api/v1/stats/", "/api/v1/stats;x=1", "/api/v1/stats%2f", "/API/v1/stats", "/api/v1/./stats",
		"/api/v1/stats%00", "/%61pi/v1%2fstats", "/api\\v1\\stats", "/api/v1/users/%2e%2e", "/api/v1/login/../stats",
	} {
		for _, token := range []string{"", "admin"} {
			r := through(tlsDoor, token, httptest.NewRequest("GET", "/", nil))
			if u, err := url.Parse("https://queue.example" + target); err == nil {
				r.URL = u
				if w := send(h, r); w.Code != http.StatusNotFound {
					t.Errorf("%s is answered %d %s", target, w.Code, w.Body)
				}
			}
		}
	}
}
