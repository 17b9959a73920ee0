package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestParseCursor(t *testing.T) {
	for text, want := range map[string]Cursor{"0": {}, "G0.7": {"G0", 7}, "9223372036854775807": {"", 1<<63 - 1}} {
		if c, err := ParseCursor(text); err != nil || c != want || c.String() != text {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", ".", "G.", ".7", "G.-7", "G.07", "+7", "g.7", "G.7.8", "G 7", "9223372036854775808", strings.Repeat("G", maxTarget+1) + ".7"} {
		if c, err := ParseCursor(text); err == nil {
			t.Errorf("%q is %+v", text, c)
		}
	}
}

// FuzzParseCursor: what is read is written as it was.
func FuzzParseCursor(f *testing.F) {
	f.Add("G.7")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCursor(text); err == nil && c.String() != text {
			t.Errorf("%q is %+v", text, c)
		}
	})
}

// follow asks for a stream of events.
func (r *real) follow(path, last string) *http.Response {
	r.t.Helper()
	q, err := http.NewRequest("GET", "http://octaskly"+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Accept", EventType)
	q.Header.Set("Last-Event-ID", last)
	answer, err := r.client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// A stream of events says where it is, in the form of a browser's EventSource.
func TestFollowEvents(t *testing.T) {
	f := &fake{happen: func(ctx context.Context, yield func([]Event, Cursor) error) error {
		err := yield(nil, Cursor{"G", 5})
		err = errors.Join(err, yield([]Event{{ID: "G.6", Seq: 6, Kind: GapMarker, From: 1, To: 6}, {ID: "G.7", Seq: 7, Kind: "task.ended", Detail: "a\nb"}}, Cursor{"G", 9}))
		return errors.Join(err, yield([]Event{{ID: "G.10", Seq: 10, Kind: "task.ended"}}, Cursor{"G", 10}), octaskly.ErrUnavailable)
	}}
	var asked string
	f.asked = func(text string) { asked = text }
	answer := startReal(t, newHandler(f), usual).follow("/api/v1/events?task=42", "G.4")
	body, err := io.ReadAll(answer.Body)
	const want = "id: G.5\n\n" +
		"event: gap\nid: G.6\ndata: {\"id\":\"G.6\",\"seq\":6,\"kind\":\"gap\",\"from\":1,\"to\":6}\n\n" +
		"event: event\nid: G.7\ndata: {\"id\":\"G.7\",\"seq\":7,\"kind\":\"task.ended\",\"detail\":\"a\\nb\"}\n\nid: G.9\n\n" +
		"event: event\nid: G.10\ndata: {\"id\":\"G.10\",\"seq\":10,\"kind\":\"task.ended\"}\n\n"
	if string(body) != want || err == nil || answer.Header.Get("Content-Type") != EventType {
		t.Errorf("%q, %v", body, err)
	}
	if !strings.Contains(asked, "42. ") || !strings.HasSuffix(asked, " G.4 - 100") {
		t.Errorf("asked %q", asked)
	}
}

func TestFollowEventsRefused(t *testing.T) {
	h := newFleetHandler(&fake{}, &books{})
	for _, tt := range []struct{ query, last, field string }{
		{"?limit=5", "", "limit"}, {"?before=5", "", "before"}, {"", "x", "Last-Event-ID"}, {"?since=x", "", "since"},
	} {
		w := ask(h, "client", "GET", "/api/v1/events"+tt.query, "", "Accept", EventType, "Last-Event-ID", tt.last)
		check(t, w, 400, `"field":"`+tt.field+`"`)
	}
}

// Where the daemon stops, the stream ends as if it were whole: its reader comes back.
func TestFollowEventsEnds(t *testing.T) {
	began := make(chan struct{})
	f := &fake{happen: func(ctx context.Context, yield func([]Event, Cursor) error) error {
		err := yield(nil, Cursor{"G", 5})
		close(began)
		<-ctx.Done()
		return errors.Join(err, ctx.Err())
	}}
	server := startReal(t, newHandler(f), usual)
	answer := server.follow("/api/v1/events", "")
	<-began
	server.stop()
	if body, err := io.ReadAll(answer.Body); string(body) != "id: G.5\n\n" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}
