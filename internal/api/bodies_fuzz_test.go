package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// posts are all routes with a body of JSON, and one that is good.
var posts = []struct{ method, target, body string }{
	{"POST", "/api/v1/tasks", `{"argv":["a"],"env":["A=b",{"base64":"Qj3/"}],"timeout":1.5,"limits":{"preset":"strict","memory":1048576},"array":"0-9:2","at_once":2}`},
	{"POST", "/api/v1/tasks/42/signal", `{"signal":"TERM"}`},
	{"POST", "/api/v1/workers/w/drain", `{"reason":"disk","deadline":60}`},
	{"POST", "/api/v1/login", `{"user":"ann","password":"secret pass"}`},
	{"POST", "/api/v1/refresh", `{"refresh_token":"ort_x"}`},
	{"POST", "/api/v1/password", `{"present":"secret pass","new":"secret pass 2"}`},
	{"POST", "/api/v1/users", `{"name":"bob","role":"client","password":"secret pass","quota":{"queued":-1,"running":2,"submits_per_second":0.5}}`},
	{"PATCH", "/api/v1/users/bob", `{"role":"admin","password":"","disabled":true,"quota":{"queued":1}}`},
	{"POST", "/api/v1/tokens", `{"name":"ci","user":"bob","role":"client","expires_in":3600}`},
	{"POST", "/api/v1/invites", `{"name":"w1","expires_in":3600}`},
	{"POST", "/api/v1/workers/w1/approve", `{"code":"483-112"}`},
	{"POST", "/api/v1/audit/verify", `{"seq":7,"at":"2026-01-02T03:04:05Z","hash":"` + strings.Repeat("ab", 32) + `"}`},
}

// FuzzBodies sends anything to every route that takes JSON. Whatever it is, it is
// done, or refused as bad input with the field named; and who reads the audit log
// finds a row of either.
func FuzzBodies(f *testing.F) {
	for i, p := range posts {
		for _, body := range []string{p.body, "", "null", "[]", "{", `{"` + strings.Repeat("a", 100) + `":1}`, p.body + p.body, strings.ToUpper(p.body), "\xff", `{"a":` + strings.Repeat("[", 20_000)} {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		p := posts[int(which)%len(posts)]
		b := &books{}
		w := ask(newFleetHandler(&fake{}, b), "admin", p.method, p.target, body)
		rows := b.taken()
		switch {
		case w.Code >= 200 && w.Code < 300:
			if !strings.Contains(rows, ` done "`) {
				t.Errorf("done, and the rows are %q", rows)
			}
		case w.Code == http.StatusBadRequest:
			var bad Failure
			if err := json.Unmarshal(w.Body.Bytes(), &bad); err != nil || bad.Error.Kind != badInput || bad.Error.Field == "" || bad.Error.Message == "" {
				t.Errorf("answered %s, %v", w.Body, err)
			}
			if !strings.Contains(rows, " bad-input ") || strings.Count(rows, "\n") != 0 {
				t.Errorf("refused, and the rows are %q", rows)
			}
		default:
			t.Errorf("%s %s %q is answered %d %s", p.method, p.target, body, w.Code, w.Body)
		}
	})
}

// The table has every route that takes JSON, and its bodies are good.
func TestPostsAreComplete(t *testing.T) {
	without := map[string]bool{ // a body, or without one of JSON
		"POST /api/v1/tasks/{id}/retry": true, "POST /api/v1/workers/{worker}/resume": true, "PUT /api/v1/blobs/{hash}": true,
		"POST /api/v1/workers/{worker}/reject": true, "POST /api/v1/logout": true, "POST /api/v1/keys/rotate": true,
	}
	h := newFleetHandler(&fake{}, &books{})
	n := 0
	for _, r := range h.routes() {
		if strings.HasPrefix(r.method, "P") && !without[r.method+" "+r.path] {
			n++
		}
	}
	if n != len(posts) {
		t.Errorf("%d routes take JSON, %d are fuzzed", n, len(posts))
	}
	for _, p := range posts {
		if w := ask(h, "admin", p.method, p.target, p.body); w.Code >= 300 {
			t.Errorf("%s %s is answered %d %s", p.method, p.target, w.Code, w.Body)
		}
	}
}
