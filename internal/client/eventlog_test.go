package client

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
)

// happenings is the event with these numbers.
func happenings(seqs ...int64) (events []api.Event) {
	for _, seq := range seqs {
		events = append(events, api.Event{ID: api.Cursor{Generation: "G", Seq: seq}.String(), Seq: seq, Kind: "task.ended"})
	}
	return events
}

func TestEvents(t *testing.T) {
	d := newDaemon(t, &fake{})
	page, err := d.client(Options{}).Events(t.Context(), EventQuery{Task: "42", Worker: "w", Kinds: "task.ended", Since: "G.5", Limit: 7})
	if err != nil || len(page.Events) != 1 || page.Next != "G.7" || !page.More || !strings.HasSuffix(d.fake.asked, `"w" [task.ended] G.5 <nil> 7`) {
		t.Errorf("%+v, %v, asked %s", page, err, d.fake.asked)
	}
}

// However often the daemon goes away, it goes on after what was seen: even where
// that was a place without an event.
func TestFollowRestarts(t *testing.T) {
	d := newDaemon(t, &fake{})
	var asked []string
	cut := make(chan struct{})
	parts := [][]api.Event{nil, happenings(6, 7), happenings(8)}
	d.fake.follow = func(q api.EventQuery, yield func([]api.Event, api.Cursor) error) error {
		since := "-"
		if q.Since != nil {
			since = q.Since.String()
		}
		asked = append(asked, since)
		n := len(asked)
		err := yield(parts[n-1], api.Cursor{Generation: "G", Seq: int64(4 + n)})
		if n < len(parts) {
			cut <- struct{}{}
		}
		return err
	}
	var seen []int64
	notices := 0
	stop := errors.New("enough")
	c := d.client(Options{Notice: func(error) { notices++ }})
	ended := make(chan error, 1)
	go func() {
		ended <- c.FollowEvents(t.Context(), EventQuery{}, func(e *api.Event) error {
			if seen = append(seen, e.Seq); e.Seq == 8 {
				return stop
			}
			return nil
		})
	}()
	for range 2 {
		<-cut
		d.stop()
		d.start()
	}
	if err := <-ended; err != stop || !slices.Equal(seen, []int64{6, 7, 8}) {
		t.Errorf("saw %v, %v", seen, err)
	}
	if want := []string{"-", "G.5", "G.6"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if notices != 4 {
		t.Errorf("%d notices, want away and back, twice", notices)
	}
}

// A dispatcher that was never there is not waited for.
func TestFollowUnreachable(t *testing.T) {
	c := New(Options{Socket: t.TempDir() + "/none", Notice: func(error) { t.Error("noticed") }})
	if err := c.FollowEvents(t.Context(), EventQuery{}, func(*api.Event) error { return nil }); err == nil {
		t.Error("it follows nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.FollowEvents(ctx, EventQuery{}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMessages(t *testing.T) {
	for _, test := range []struct {
		text string
		want []message
		bad  bool
	}{
		{"event: event\nid: G.7\ndata: {}\n\n", []message{{"event", "G.7", "{}"}}, false},
		{"id:G.7\n\n: \n\nid: G.8\n\n", []message{{id: "G.7"}, {id: "G.8"}}, false},
		{"data: a\ndata: b\nfuture: x\r\n\n", []message{{data: "a\nb"}}, false},
		{"\n\n\nid: G.7\r\n\r\ndata: cut\n", []message{{id: "G.7"}}, false},
		{"data: " + strings.Repeat("x", maxMessage) + "\n\n", nil, true},
		{strings.Repeat("data: "+strings.Repeat("x", maxMessage/4)+"\n", 4) + "\n", nil, true},
	} {
		var got []message
		s := newMessages(strings.NewReader(test.text))
		m, err := s.next()
		for ; err == nil; m, err = s.next() {
			got = append(got, *m)
		}
		if !slices.Equal(got, test.want) || (err != io.EOF) != test.bad {
			t.Errorf("%.60q: %+v, %v", test.text, got, err)
		}
	}
}

// FuzzMessages: whatever comes, it ends, and no message is larger than what came.
func FuzzMessages(f *testing.F) {
	f.Add("event: event\nid: G.7\ndata: {}\n\n: \n\ndata: a\ndata: b\n\nid")
	f.Fuzz(func(t *testing.T, text string) {
		s := newMessages(strings.NewReader(text))
		for size := 0; ; {
			m, err := s.next()
			if err != nil {
				return
			}
			if size += len(m.name) + len(m.id) + len(m.data); size > len(text) || strings.Contains(m.id, "\n") {
				t.Fatalf("%q gives %+v", text, m)
			}
		}
	})
}
