package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBodies(t *testing.T) {
	tests := []struct {
		body, field, message string
	}{
		{``, "body", "body: it is empty, not JSON"},
		{"  \n", "body", "body: it is empty, not JSON"},
		{`{"argv":["a"]`, "body", "body: it ends inside its JSON value"},
		{`{"argv":["a"]} x`, "body", "body: it goes on after its JSON value"},
		{`{"argv":["a"]}{"argv":["b"]}`, "body", "body: it goes on after its JSON value"},
		{`{"argv":["a"],}`, "body", "body: it is not JSON at byte 15: invalid character '}' looking for beginning of object key string"},
		{`[]`, "body", "body: want an object, not array"},
		{`"true"`, "body", "body: want an object, not string"},
		{`{"argv":["a"],"arvg":["b"]}`, "arvg", "arvg: no such field"},
		{`{"argv":["true"],"argv":["id"]}`, "argv", "argv: it is given twice"},
		{`{"argv":["true"],"name":"a","Argv":["id"]}`, "Argv", "Argv: it is given twice"},
		{`{"argv":["true"],"\u0061rgv":["id"]}`, "argv", "argv: it is given twice"},
		{`{"argv":["true"],"limits":{"memory":1,"disk":2,"memory":3}}`, "memory", "memory: it is given twice"},
		{`{"":0}`, `""`, `"": no such field`},
		{`{"argv":["a"],"a\"b":1}`, `a"b`, `a"b: no such field`},
		{`{"argv":["a"],"` + strings.Repeat("x", 1000) + `":1}`, strings.Repeat("x", 64), strings.Repeat("x", 64) + ": no such field"},
		{`{"argv":"true"}`, "argv", "argv: want a list, not string"},
		{`{"argv":[1]}`, "argv", `argv: want a string or {"base64": "…"}, not 1`},
		{`{"argv":["a",null]}`, "argv", `argv: want a string or {"base64": "…"}, not null`},
		{`{"argv":[{"base64":"?"}]}`, "argv", `argv: want a string or {"base64": "…"}, not {"base64":"?"}`},
		{`{"argv":[{"base64":"aGk=","x":1}]}`, "argv", `argv: want a string or {"base64": "…"}, not {"base64":"aGk=","x":1}`},
		{`{"argv":["a"],"timeout":"5s"}`, "timeout", `timeout: want a number of seconds from 0 to ten years, not "5s"`},
		{`{"argv":["a"],"timeout":-1}`, "timeout", "timeout: want a number of seconds from 0 to ten years, not -1"},
		{`{"argv":["a"],"backoff":1e99}`, "backoff", "backoff: want a number of seconds from 0 to ten years, not 1e99"},
		{`{"argv":["a"],"retries":1.5}`, "retries", "retries: want a whole number, not number 1.5"},
		{`{"argv":["a"],"memory":9223372036854775808}`, "memory", "memory: want a whole number, not number 9223372036854775808"},
		{`{"argv":["a"],"cpus":"1"}`, "cpus", "cpus: want a number, not string"},
		{`{"argv":["a"],"merge":1}`, "merge", "merge: want true or false, not number"},
		{`{"argv":["a"],"name":[]}`, "name", "name: want a string, not array"},
		{"{\"argv\":[\"\xff\"]}", "body", `body: it is not valid UTF-8; write bytes that are not text as {"base64": "…"}`},
		{strings.Repeat("[", 20_000), "body", "body: it is not JSON at byte 10001: invalid character '[' exceeded max depth"},
		{`null`, "command", "command: it is missing; write it after --, as in: octasklyctl run -- uname -a"},
	}
	for _, tt := range tests {
		w := do(newHandler(&fake{asked: func(s string) { t.Errorf("asked the dispatcher: %s", s) }}), "POST", "/api/v1/tasks", tt.body)
		var f Failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		if want := (Error{Kind: "bad-input", Message: tt.message, Field: tt.field}); w.Code != 400 || f.Error != want {
			t.Errorf("%.40s: %d %+v\nwant 400 %+v", tt.body, w.Code, f.Error, want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	h := newHandler(&fake{put: drain})
	fits := fmt.Sprintf(`{"argv":["true"],"name":%q}`, strings.Repeat("a", maxJSON-100))
	check(t, do(h, "POST", "/api/v1/tasks", fits), 400, `"field":"name"`)
	check(t, do(h, "POST", "/api/v1/tasks", fits+strings.Repeat(" ", 100)), 413, `"kind":"too-large","message":"cannot read the body: it has more than 4194304 bytes`)

	// The size of a blob is refused by its announcement, and found out without one.
	r := newRequest(ann, "PUT", "/api/v1/blobs/"+someHash, "x")
	r.ContentLength = 256<<20 + 1
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	check(t, w, 413, `cannot store 268435457 bytes, 268435456 are allowed`)

	r = newRequest(ann, "PUT", "/api/v1/blobs/"+someHash, "x")
	r.Body, r.ContentLength = http.NoBody, -1
	r.Body = endless{}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	check(t, w, 413, `cannot read the body: it has more than 268435456 bytes`)
}

// endless is a body of zeroes.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

// TestLongWords keeps an error from sending back megabytes.
func TestLongWords(t *testing.T) {
	w := do(newHandler(&fake{}), "POST", "/api/v1/tasks", `{"argv":["true"],"array":"`+strings.Repeat("x", 1<<20)+`"}`)
	check(t, w, 400, `"field":"array"`)
	if n := w.Body.Len(); n > 2*maxMessage {
		t.Errorf("the error has %d bytes", n)
	}
}

func TestText(t *testing.T) {
	for _, text := range []Text{"", "plain", "grüß", "\xff\x00\xfe", "<&>\n"} {
		data, err := json.Marshal([]Text{text})
		if err != nil {
			t.Fatal(err)
		}
		var back []Text
		if err := decodeJSON(data, &back); err != nil || back[0] != text {
			t.Errorf("%q comes back from %s as %q, %v", text, data, back, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\xff")
	f.Fuzz(func(t *testing.T, s string) {
		data, err := json.Marshal(Text(s))
		if err != nil {
			t.Fatal(err)
		}
		var back Text
		if err := json.Unmarshal(data, &back); err != nil || string(back) != s || !bytes.HasPrefix(data, []byte{'"'}) && !bytes.HasPrefix(data, []byte{'{'}) {
			t.Errorf("%q comes back from %s as %q, %v", s, data, back, err)
		}
	})
}
