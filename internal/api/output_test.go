package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// frame is framed output, as package spool describes it: words of "o" for stdout,
// "e" for stderr, with text after, or "O" and "E" for a mark.
func frame(words ...string) []byte {
	var out []byte
	for _, w := range words {
		kind, text := w[0], w[1:]
		stream := map[byte]byte{'o': 1, 'e': 2, 'O': 0x81, 'E': 0x82}[kind]
		if kind == 'O' || kind == 'E' {
			out = binary.BigEndian.AppendUint32(append(out, stream), 8)
			out = binary.BigEndian.AppendUint64(out, uint64(len(text)))
			continue
		}
		out = binary.BigEndian.AppendUint32(append(out, stream), uint32(len(text)))
		out = append(out, text...)
	}
	return out
}

func spooled(framed []byte) *fake {
	return &fake{output: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(framed)), nil }}
}

func TestOneStream(t *testing.T) {
	h := newFleetHandler(spooled(frame("o0123", "eoops", "o45", "E....", "o6789")), &books{})
	tests := []struct {
		query, part string
		status      int
		body        string
		contentPart string
	}{
		{"stream=stdout", "", 200, "0123456789", ""},
		{"stream=stderr", "", 200, "oops", ""},
		{"stream=stdout", "bytes=0-3", 206, "0123", "bytes 0-3/10"},
		{"stream=stdout", "bytes=3-6", 206, "3456", "bytes 3-6/10"},
		{"stream=stdout", "bytes=4-", 206, "456789", "bytes 4-9/10"},
		{"stream=stdout", "bytes=9-999", 206, "9", "bytes 9-9/10"},
		{"stream=stdout", "bytes=-3", 206, "789", "bytes 7-9/10"},
		{"stream=stdout", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"stream=stdout", "BYTES=0-0", 206, "0", "bytes 0-0/10"},
		{"stream=stdout", "bytes=10-", 416, "no-such-range", "bytes */10"},
		{"stream=stdout", "bytes=-0", 416, "no-such-range", "bytes */10"},
		{"stream=stdout", "bytes=3-2", 200, "0123456789", ""},
		{"stream=stdout", "bytes=-", 200, "0123456789", ""},
		{"stream=stdout", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"stream=stdout", "bytes=+1-2", 200, "0123456789", ""},
		{"stream=stdout", "bytes=0-99999999999999999999", 200, "0123456789", ""},
		{"stream=stdout", "lines=0-1", 200, "0123456789", ""},
		{"stream=stdout&follow", "bytes=0-1", 200, "0123456789", ""},
		{"stream=stdout&from=3", "", 400, `"field":"from"`, ""},
		{"stream=both", "", 400, `"field":"stream"`, ""},
		{"stream", "", 400, `"field":"stream"`, ""},
	}
	for _, tt := range tests {
		w := ask(h, "client", "GET", "/api/v1/tasks/42/output?"+tt.query, "", "Range", tt.part)
		exact := tt.status < 300 && w.Body.String() != tt.body
		if w.Code != tt.status || exact || !strings.Contains(w.Body.String(), tt.body) || w.Header().Get("Content-Range") != tt.contentPart {
			t.Errorf("%s, Range %q: %d %q, Content-Range %q; want %d %q, %q", tt.query, tt.part, w.Code, w.Body, w.Header().Get("Content-Range"), tt.status, tt.body, tt.contentPart)
		}
		if length := w.Header().Get("Content-Length"); tt.status == 206 && length != fmt.Sprint(len(tt.body)) {
			t.Errorf("%s, Range %q: Content-Length %s", tt.query, tt.part, length)
		}
	}
	check(t, ask(h, "client", "GET", "/api/v1/tasks/42/output?stream=stdout", "", "Range", "bytes=0-1", "If-Range", `"x"`), 200, "0123456789")
}

// A part that is not there any more is not answered as if it were.
func TestRangeOfWhatShrinks(t *testing.T) {
	n := 0
	f := &fake{output: func(context.Context) (io.ReadCloser, error) {
		n++
		return io.NopCloser(bytes.NewReader(frame([]string{"o0123456789", "o01"}[n-1]))), nil
	}}
	defer func() {
		if recover() == nil {
			t.Error("a part of an answer looks like all of it")
		}
	}()
	ask(newFleetHandler(f, &books{}), "client", "GET", "/api/v1/tasks/42/output?stream=stdout", "", "Range", "bytes=0-9")
}

func FuzzRange(f *testing.F) {
	for _, text := range []string{"bytes=0-3", "bytes=-5", "bytes=5-", "bytes=-0", "bytes=--1", "x"} {
		f.Add(text, int64(10))
	}
	f.Fuzz(func(t *testing.T, text string, size int64) {
		b, ok := parseRange(text)
		if size &= 1<<62 - 1; !ok {
			return
		}
		s, err := b.of(stream{newAnswer(httptest.NewRecorder())}, size)
		if err == nil && (s.skip < 0 || s.length <= 0 || s.skip+s.length > size) {
			t.Errorf("%q of %d bytes is %+v", text, size, s)
		}
	})
}

func TestOutputEvents(t *testing.T) {
	framed := frame("oone\n", "etwo", "o\xff", "E..", "oend")
	h := newFleetHandler(spooled(framed), &books{})
	all := []string{
		"event: stdout\nid: 9\ndata: {\"data\":\"one\\n\"}\n\n",
		"event: stderr\nid: 17\ndata: {\"data\":\"two\"}\n\n",
		"event: stdout\nid: 23\ndata: {\"data\":{\"base64\":\"/w==\"}}\n\n",
		"event: discarded\nid: 36\ndata: {\"stream\":\"stderr\",\"bytes\":2}\n\n",
		"event: stdout\nid: 44\ndata: {\"data\":\"end\"}\n\n",
		"event: end\ndata: {}\n\n",
	}
	get := func(query string, headers ...string) *httptest.ResponseRecorder {
		return ask(h, "client", "GET", "/api/v1/tasks/42/output"+query, "", append(headers, "Accept", "text/html, text/event-stream;q=0.9")...)
	}
	for _, tt := range []struct {
		query, last string
		want        string
	}{
		{"?follow", "", strings.Join(all, "")},
		{"", "", strings.Join(all, "")},
		{"?follow", "17", strings.Join(all[2:], "")},
		{"?follow&from=9", "", strings.Join(all[1:], "")},
		{"?follow&from=9", "36", strings.Join(all[4:], "")},
		{"?follow", "44", all[5]},
		{"?follow&stream=stderr", "", all[1] + all[3] + all[5]},
	} {
		w := get(tt.query, "Last-Event-ID", tt.last)
		if w.Body.String() != tt.want || w.Header().Get("Content-Type") != EventType {
			t.Errorf("%s after %q is %q, want %q", tt.query, tt.last, w.Body, tt.want)
		}
	}
	check(t, get("?from=1"), 400, `"field":"from"`)
	check(t, get("", "Last-Event-ID", "x"), 400, `"field":"Last-Event-ID"`)
	check(t, get("", "Last-Event-ID", "-1"), 400, `"field":"Last-Event-ID"`)
}

func TestWatchEvents(t *testing.T) {
	f := &fake{watch: func(_ context.Context, yield func(*Job) error) error {
		for _, name := range []string{"one", "two"} {
			if err := yield(&Job{ID: "42", Name: name}); err != nil {
				return err
			}
		}
		return nil
	}}
	h := newFleetHandler(f, &books{})
	get := func(last string) []string {
		w := ask(h, "client", "GET", "/api/v1/tasks/42/watch", "", "Accept", EventType, "Last-Event-ID", last)
		return strings.SplitAfter(w.Body.String(), "\n\n")
	}
	events := get("")
	if len(events) != 4 || !strings.HasPrefix(events[0], "event: job\nid: ") || !strings.Contains(events[1], `"name":"two"`) || events[2] != "event: end\ndata: {}\n\n" {
		t.Fatalf("got %q", events)
	}
	id := strings.TrimPrefix(strings.Split(events[0], "\n")[1], "id: ")
	if again := get(id); len(again) != 3 || again[0] != events[1] {
		t.Errorf("after the first event there is %q", again)
	}
	if again := get("something else"); len(again) != 4 {
		t.Errorf("after an event of another time there is %q", again)
	}
	f.err = fmt.Errorf("cannot watch")
	f.watch = nil
	check(t, ask(h, "client", "GET", "/api/v1/tasks/42/watch", "", "Accept", EventType), 500, `"kind":"internal"`)
}
