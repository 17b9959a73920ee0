package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var someHash = strings.Repeat("5a", 32)

func TestRoutes(t *testing.T) {
	const tasks = "/api/v1/tasks"
	tests := []struct {
		method, target, body string
		status               int
		asked                string // of the dispatcher
		answer               string
	}{
		{"GET", "/health", "", 200, "", `{"status":"ok"}`},
		{"GET", "/api/v1/version", "", 200, "", `{"version":"1.2.3"}`},

		{"POST", tasks, `{"argv":["echo","<&>"]}`, 201, `submit ann ann 0 ["echo" "<&>"]`, `{"id":"42","tasks":1}`},
		{"POST", tasks, ` {"argv":["true"],"array":"0-9:3"} `, 201, `submit ann ann 0-9:3 ["true"]`, `{"id":"42","tasks":4}`},

		{"GET", tasks, "", 200, "jobs ann - {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:ann}", `{"tasks":[]}`},
		{"GET", tasks + "?state=queued,running&state=failed&limit=7&before=99&all", "", 200,
			"jobs ann - {Select:<nil> States:[queued running failed] All:true Limit:7 Before:99 Owner:ann}", "["},
		{"GET", tasks + "?select=1-3,9&all=0&owner=ann", "", 200,
			"jobs ann {Jobs:1-3,9 Elements: Last:false All:false Everyone:false} {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:ann}", "["},

		{"GET", tasks + "/42", "", 200, "show ann 42", `{"id":"42",`},
		{"GET", tasks + "/42.7", "", 200, "show ann 42.7", `{"id":"42.7",`},
		{"DELETE", tasks + "/all?reason=no%20more", "", 200, `cancel ann {Jobs: Elements: Last:false All:true Everyone:false} "no more"`, `{"done":1}`},
		{"DELETE", tasks + "/1-10:3,15", "", 200, `cancel ann {Jobs:1-10:3,15 Elements: Last:false All:false Everyone:false} ""`, `{"done":1}`},
		{"POST", tasks + "/42.3-7,9/signal", `{"signal":"TERM"}`, 200, `signal ann {Jobs:42 Elements:3-7,9 Last:false All:false Everyone:false} 15`, `{"done":1}`},
		{"POST", tasks + "/last/signal", `{"signal":9}`, 200, `signal ann {Jobs: Elements: Last:true All:false Everyone:false} 9`, `{"done":1}`},
		{"POST", tasks + "/42/retry", "", 200, `retry ann {Jobs:42 Elements: Last:false All:false Everyone:false}`, `{"done":0,"already":["42.7"]}`},

		{"GET", tasks + "/42/elements", "", 200, "elements ann 42 [] 0 100", `{"elements":[]}`},
		{"GET", tasks + "/42/elements?state=failed&from=5&limit=1000", "", 200, "elements ann 42 [failed] 5 1000", "["},
		{"GET", tasks + "/42/watch", "", 200, "watch ann 42", ""},
		{"GET", tasks + "/42/output", "", 200, "output ann 42 0 false", "framed"},
		{"GET", tasks + "/42.7/output?attempt=3&follow=true&from=2", "", 200, "output ann 42.7 3 true", "amed"},
		{"GET", tasks + "/42/output?from=99", "", 200, "output ann 42 0 false", ""},

		{"PUT", "/api/v1/blobs/" + someHash, "data", 204, "put 5a5a", ""},
		{"GET", "/api/v1/events", "", 200, `events ann - "" - fleet:true - - 100`, `{"events":[],"next":"G.9"}`},
		{"GET", "/api/v1/events?task=42.3-7&worker=w+1&kind=task.ended,worker.lost&since=G.7&limit=5", "", 200,
			`events ann 42.3-7 "w 1" [task.ended worker.lost] fleet:true G.7 - 5`, "["},
		{"GET", "/api/v1/events?before=8&kind=dispatcher", "", 200, `events ann - "" [dispatcher.started] fleet:true - 8 100`, "["},
		{"GET", "/api/v1/workers", "", 200, "workers ann", `{"workers":[{"id":"","name":"w",`},
		{"GET", "/api/v1/workers/node%201", "", 200, "worker ann node 1", `"name":"node 1",`},
		{"GET", "/api/v1/workers/w", "", 200, "worker ann w", `"checks":[{"subject":"level:strict","name":"shadow","held":true}]`},
		{"GET", "/api/v1/stats", "", 200, "stats ann", `"fleet":"f"`},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			var asked string
			w := do(newHandler(&fake{asked: func(s string) { asked += s }}), tt.method, tt.target, tt.body)
			check(t, w, tt.status, tt.answer)
			if asked != tt.asked {
				t.Errorf("asked the dispatcher: %s\nwant: %s", asked, tt.asked)
			}
		})
	}
}

func TestHasBlob(t *testing.T) {
	for has, status := range map[bool]int{true: 204, false: 404} {
		check(t, do(newHandler(&fake{has: has}), "HEAD", "/api/v1/blobs/"+someHash, ""), status, "")
	}
}

func TestContentTypes(t *testing.T) {
	for target, want := range map[string]string{
		"/api/v1/stats":           "application/json",
		"/api/v1/tasks/42/watch":  "application/x-ndjson",
		"/api/v1/tasks/42/output": OutputType,
		"/api/v1/tasks/x/output":  "application/json",
	} {
		if got := do(newHandler(&fake{}), "GET", target, "").Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %q, want %q", target, got, want)
		}
	}
}

// TestErrors sends each error of a dispatcher through each route that asks it.
func TestErrors(t *testing.T) {
	kinds := []struct {
		err    error
		status int
		body   string
	}{
		{octaskly.ErrNotFound, 404, `{"error":{"kind":"not-found","message":"cannot do it: not found"}}`},
		{octaskly.ErrOver, 409, `{"error":{"kind":"over","message":"cannot do it: already over"}}`},
		{octaskly.ErrConflict, 409, `{"error":{"kind":"conflict",`},
		{octaskly.ErrDenied, 403, `{"error":{"kind":"denied",`},
		{octaskly.ErrFull, 429, `{"error":{"kind":"full",`},
		{octaskly.ErrUnavailable, 503, `{"error":{"kind":"unavailable",`},
		{octaskly.ErrGone, 410, `{"error":{"kind":"gone",`},
		{context.Canceled, 503, `{"error":{"kind":"unavailable",`},
		{&octaskly.FieldError{Field: "items", Why: "no such blob"}, 400, `{"error":{"kind":"bad-input","message":"cannot do it: items: no such blob","field":"items"}}`},
		{fmt.Errorf("a secret of the disk"), 500, `{"error":{"kind":"internal","message":"internal error; the daemon's log has more on it"}}`},
	}
	requests := []struct{ method, target, body string }{
		{"POST", "/api/v1/tasks", `{"argv":["true"]}`},
		{"GET", "/api/v1/tasks", ""},
		{"GET", "/api/v1/tasks/42", ""},
		{"DELETE", "/api/v1/tasks/42", ""},
		{"POST", "/api/v1/tasks/42/signal", `{"signal":15}`},
		{"POST", "/api/v1/tasks/42/retry", ""},
		{"GET", "/api/v1/tasks/42/elements", ""},
		{"GET", "/api/v1/tasks/42/watch", ""},
		{"GET", "/api/v1/tasks/42/output", ""},
		{"PUT", "/api/v1/blobs/" + someHash, "x"},
		{"GET", "/api/v1/workers", ""},
		{"GET", "/api/v1/workers/w", ""},
		{"GET", "/api/v1/stats", ""},
		{"GET", "/api/v1/events", ""},
	}
	for _, kind := range kinds {
		h := newHandler(&fake{err: fmt.Errorf("cannot do it: %w", kind.err)})
		for _, r := range requests {
			w := do(h, r.method, r.target, r.body)
			check(t, w, kind.status, kind.body)
			wait := w.Header().Get("Retry-After")
			if (wait == "1") != (kind.status == 429 || kind.status == 503) {
				t.Errorf("%v: Retry-After is %q", kind.err, wait)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	const tasks = "/api/v1/tasks"
	tests := []struct {
		method, target, body string
		status               int
		answer               string
	}{
		{"GET", tasks + "?stat=queued", "", 400, `"field":"stat"`},
		{"GET", tasks + "?=1", "", 400, `"field":"\"\""`},
		{"GET", tasks + "?state=sleeping", "", 400, `"field":"state"`},
		{"GET", tasks + "?limit=0", "", 400, `limit: \"0\" is not a number from 1 to 1000`},
		{"GET", tasks + "?limit=1001", "", 400, `"field":"limit"`},
		{"GET", tasks + "?limit=1&limit=2", "", 400, "it is given twice"},
		{"GET", tasks + "?before=-1", "", 400, `"field":"before"`},
		{"GET", tasks + "?all=maybe", "", 400, `"field":"all"`},
		{"GET", tasks + "?select=x", "", 400, `"field":"select"`},
		{"GET", tasks + "?limit=%zz", "", 400, `"field":"query"`},
		{"GET", tasks + "?owner=bob", "", 403, `cannot see the tasks of \"bob\"`},
		{"GET", tasks + "?select=all&all_users", "", 403, "denied"},
		{"GET", tasks + "?select=42&all_users", "", 400, `"field":"all_users"`},
		{"DELETE", tasks + "/all?all_users", "", 403, "denied"},
		{"DELETE", tasks + "/42?reasn=x", "", 400, "no such parameter; there is reason, all_users"},
		{"DELETE", tasks + "/42?reason=a%0Ab", "", 400, `"field":"reason"`},
		{"DELETE", tasks + "/42?reason=" + strings.Repeat("a", maxReason+1), "", 400, "it has 1025 bytes, 1024 are allowed"},
		{"DELETE", tasks + "/0", "", 400, "begin at 1"},
		{"GET", tasks + "/42?x=1", "", 400, "there is none"},
		{"GET", tasks + "/x", "", 400, `"field":"id"`},
		{"GET", tasks + "/last", "", 400, `"field":"id"`},
		{"GET", tasks + "/42.7/elements", "", 400, "42.7 is one element; its job is 42"},
		{"GET", tasks + "/42/elements?from=-1", "", 400, `"field":"from"`},
		{"GET", tasks + "/42/output?attempt=0", "", 400, `"field":"attempt"`},
		{"GET", tasks + "/x/watch", "", 400, `"field":"id"`},
		{"POST", tasks + "/x/retry", "", 400, `"field":"id"`},
		{"POST", tasks + "/42/signal", `{}`, 400, "signal: it is missing"},
		{"POST", tasks + "/42/signal", `{"signal":0}`, 400, `"field":"signal"`},
		{"POST", tasks + "/42/signal", `{"signal":65}`, 400, `"field":"signal"`},
		{"POST", tasks + "/42/signal", `{"signal":null}`, 400, `"field":"signal"`},
		{"POST", tasks + "/42/signal", `{"signal":"SIGNOTHING"}`, 400, `signal: want a signal such as \"TERM\" or 15, not \"SIGNOTHING\"`},
		{"PUT", "/api/v1/blobs/5A", "x", 400, `"field":"hash"`},
		{"PUT", "/api/v1/blobs/" + strings.ToUpper(someHash), "x", 400, `"field":"hash"`},

		{"GET", "/api/v1/events?since=1&before=2", "", 400, `"field":"before"`},
		{"GET", "/api/v1/events?since=-1", "", 400, `"field":"since"`},
		{"GET", "/api/v1/events?since=a.b", "", 400, "is not the id of an event"},
		{"GET", "/api/v1/events?kind=task.began", "", 400, "no kind of events is called"},
		{"GET", "/api/v1/events?task=x", "", 400, `"field":"task"`},
		{"GET", "/api/v1/workers/w?checks", "", 400, `"field":"checks"`},

		{"GET", "/", "", 404, "no-such-path"},
		{"GET", "/api/v1/workers/", "", 404, "no-such-path"},
		{"GET", "/api/v1/workers/a/b", "", 404, "no-such-path"},
		{"GET", "/api/v2/tasks", "", 404, "no-such-path"},
		{"GET", tasks + "/", "", 404, "no-such-path"},
		{"GET", "/api//v1/tasks", "", 404, "no-such-path"},
		{"GET", "/api/v1/tasks/../stats", "", 404, "no-such-path"},
		{"GET", "/api/v1/tasks/%2e%2e/stats", "", 404, "no-such-path"},
		{"GET", "/api/v1/tasks/..%2f42", "", 404, "no-such-path"},
		{"GET", "/api/v1/tasks/4%2f2", "", 400, `"field":"id"`},
		{"GET", "/api/v1/tasks/42%00", "", 400, `"field":"id"`},
		{"GET", "/api/v1/blobs/../../../etc/passwd", "", 404, "no-such-path"},
		{"GET", "//evil/api/v1/tasks", "", 404, "no-such-path"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			h := newHandler(&fake{asked: func(s string) { t.Errorf("asked the dispatcher: %s", s) }})
			check(t, do(h, tt.method, tt.target, tt.body), tt.status, tt.answer)
		})
	}
}

func TestMethods(t *testing.T) {
	tests := []struct{ method, target, allow string }{
		{"HEAD", "/health", "GET"},
		{"OPTIONS", "/api/v1/tasks", "POST, GET"},
		{"HEAD", "/api/v1/tasks", "POST, GET"},
		{"PUT", "/api/v1/tasks/42", "GET, DELETE"},
		{"GET", "/api/v1/tasks/42/signal", "POST"},
		{"GET", "/api/v1/blobs/" + someHash, "PUT, HEAD"},
		{"get", "/api/v1/stats", "GET"},
	}
	for _, tt := range tests {
		w := do(newHandler(&fake{}), tt.method, tt.target, "")
		check(t, w, 405, "method-not-allowed")
		if got := w.Header().Get("Allow"); got != tt.allow {
			t.Errorf("%s %s allows %q, want %q", tt.method, tt.target, got, tt.allow)
		}
	}
}

func TestForeign(t *testing.T) {
	tests := []struct {
		name, value string
		status      int
	}{
		{"X-Anything", "1", 200},
		{"Origin", "http://octaskly", 403},
		{"Origin", "", 403},
		{"Referer", "http://octaskly/", 403},
		{"Sec-Fetch-Site", "same-origin", 403},
		{"Host", "localhost", 403},
		{"Host", "octaskly:80", 403},
		{"Host", "octaskly.example.com", 403},
		{"Host", "", 403},
	}
	for _, tt := range tests {
		r := newRequest(ann, "GET", "/health", "")
		if r.Header.Set(tt.name, tt.value); tt.name == "Host" {
			r.Host = tt.value
		}
		w := httptest.NewRecorder()
		newHandler(&fake{}).ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: %q is answered %d, want %d", tt.name, tt.value, w.Code, tt.status)
		}
	}
}

func TestCallers(t *testing.T) {
	tests := []struct {
		uid    int
		target string
		status int
		asked  string
	}{
		{-1, "/health", 200, ""},
		{-1, "/api/v1/stats", 403, ""},
		{ann, "/api/v1/stats", 200, "stats ann"},
		{0, "/api/v1/tasks", 200, "jobs root - {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:}"},
		{0, "/api/v1/tasks?owner=bob", 200, "jobs root - {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:bob}"},
		{0, "/api/v1/tasks?select=all&all_users", 200,
			"jobs root {Jobs: Elements: Last:false All:true Everyone:true} {Select:<nil> States:[] All:false Limit:100 Before:0 Owner:}"},
	}
	for _, tt := range tests {
		var asked string
		w := httptest.NewRecorder()
		newHandler(&fake{asked: func(s string) { asked += s }}).ServeHTTP(w, newRequest(tt.uid, "GET", tt.target, ""))
		if w.Code != tt.status || asked != tt.asked {
			t.Errorf("uid %d, %s: %d, asked %q, want %d, %q", tt.uid, tt.target, w.Code, asked, tt.status, tt.asked)
		}
	}
}

// Nobody unknown gets further than the daemon's name.
func TestEveryRouteHasAccess(t *testing.T) {
	for _, r := range newHandler(&fake{}).routes() {
		target := strings.NewReplacer("{id}", "42", "{hash}", someHash, "{worker}", "w").Replace(r.path)
		w := httptest.NewRecorder()
		newHandler(&fake{}).ServeHTTP(w, newRequest(-1, r.method, target, ""))
		open := r.path == "/health" || r.path == "/api/v1/login" || r.path == "/api/v1/refresh"
		if got := w.Code != http.StatusForbidden; got != open {
			t.Errorf("%s %s answers a stranger with %d", r.method, r.path, w.Code)
		}
	}
}
