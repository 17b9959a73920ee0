package api

import (
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	f := &fake{}
	h := newFleetHandler(f, &books{})
	first := ask(h, "client", "GET", "/api/v1/tasks", "")
	tag := first.Header().Get("ETag")
	if len(tag) < 10 || tag[0] != '"' {
		t.Fatalf("the tag is %q", tag)
	}
	for sent, status := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, `"x",` + tag + `,"y"`: 304, "*": 304,
		`"x"`: 200, tag[1:]: 200, "": 200,
	} {
		w := ask(h, "client", "GET", "/api/v1/tasks", "", "If-None-Match", sent)
		if w.Code != status || w.Header().Get("ETag") != tag || (w.Body.Len() == 0) != (status == 304) {
			t.Errorf("If-None-Match %q is answered %d %s %q", sent, w.Code, w.Header().Get("ETag"), w.Body)
		}
	}
	f.jobs = []Job{{ID: "1"}}
	if w := ask(h, "client", "GET", "/api/v1/tasks", "", "If-None-Match", tag); w.Code != 200 || w.Header().Get("ETag") == tag {
		t.Errorf("what has changed is answered %d %s", w.Code, w.Header().Get("ETag"))
	}
	check(t, ask(h, "", "GET", "/api/v1/tasks", "", "If-None-Match", tag), 401, "")
	check(t, ask(h, "client", "POST", "/api/v1/tasks", `{"argv":["true"]}`, "If-None-Match", "*"), 201, "")
}

func TestIdempotencyKey(t *testing.T) {
	tests := []struct {
		body   string
		keys   []string
		status int
		key    string
	}{
		{`{"argv":["true"]}`, []string{"k1"}, 201, "k1"},
		{`{"argv":["true"],"idempotency_key":"k1"}`, []string{"k1"}, 201, "k1"},
		{`{"argv":["true"],"idempotency_key":"k1"}`, nil, 201, "k1"},
		{`{"argv":["true"],"idempotency_key":"k2"}`, []string{"k1"}, 400, ""},
		{`{"argv":["true"]}`, []string{"k1", "k1"}, 400, ""},
		{`{"argv":["true"]}`, []string{""}, 400, ""},
		{`{"argv":["true"]}`, []string{"a\x01"}, 400, ""},
	}
	for _, tt := range tests {
		key := ""
		f := &fake{keyed: func(k string) { key = k }}
		var headers []string
		for _, k := range tt.keys {
			headers = append(headers, keyHeader, k)
		}
		w := ask(newFleetHandler(f, &books{}), "client", "POST", "/api/v1/tasks", tt.body, headers...)
		if w.Code != tt.status || key != tt.key {
			t.Errorf("%s with keys %q is answered %d, key %q", tt.body, tt.keys, w.Code, key)
		}
	}
	// Elsewhere nobody must believe that it does anything.
	check(t, ask(newFleetHandler(&fake{}, &books{}), "admin", "POST", "/api/v1/users", `{"name":"bob"}`, keyHeader, "k"), 400, keyHeader)
	check(t, ask(newFleetHandler(&fake{}, &books{}), "admin", "GET", "/api/v1/users", "", keyHeader, "k"), 200, "")
}

// A change that somebody wants on a condition is not made without it.
func TestPreconditions(t *testing.T) {
	f := &fake{asked: func(s string) { t.Errorf("the dispatcher was asked: %s", s) }}
	for _, name := range []string{"If-Match", "If-Unmodified-Since"} {
		for _, target := range []string{"DELETE /api/v1/tasks/42", "POST /api/v1/tasks", "PUT /api/v1/blobs/" + someHash} {
			method, path, _ := strings.Cut(target, " ")
			check(t, ask(newFleetHandler(f, &books{}), "admin", method, path, `{"argv":["true"]}`, name, "*"), 400, `"field":"`+name+`"`)
		}
		check(t, ask(newFleetHandler(&fake{}, &books{}), "admin", "GET", "/api/v1/stats", "", name, `"x"`), 200, "")
	}
}
