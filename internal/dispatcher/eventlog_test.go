package dispatcher

import (
	"context"
	"errors"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var admin = api.Caller{Name: "chief", Admin: true}

// wanted is a query of all there is, of whoever may see it.
func wanted(since string) api.EventQuery {
	q := api.EventQuery{EventFilter: api.EventFilter{Fleet: true}, Limit: 1000}
	if since != "" {
		c, err := api.ParseCursor(since)
		if err != nil {
			panic(err)
		}
		q.Since = &c
	}
	return q
}

func (l *live) events(who api.Caller, q api.EventQuery) *api.Events {
	l.t.Helper()
	page, err := l.d.Events(l.t.Context(), who, q)
	l.check(err)
	return page
}

// Whoever has heard of a commit, and follows from now on, gets nothing of it.
func TestNowIsAfterWhatWasTold(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	l.join("w")
	var want, now int64
	l.inCore(func(c *core) {
		c.happenAt(c.workers[workerID("w")], octaskly.WorkerStopping, "")
		want = c.batch.events[len(c.batch.events)-1].Seq
		c.batch.after(func(error) { now, _ = l.d.happened.latest(context.Background()) })
	})
	if now != want {
		t.Errorf("now is %d, and told was of %d", now, want)
	}
}

// Whoever reads on after what is no longer kept is told so, and gets the rest; whoever
// begins with the oldest has missed nothing.
func TestEventGap(t *testing.T) {
	l := goCollect(t, Retention{Events: 2000})
	for range 100 {
		_, err := l.submit(func(*api.Submission) {})
		l.check(err)
	}
	before := l.events(admin, wanted("0"))
	l.round()
	after := l.events(admin, wanted("0"))
	gone := len(before.Events) - len(after.Events)
	if gone < 20 || len(after.Events) < 10 || after.Events[0].ID != before.Events[gone].ID {
		t.Fatalf("of %d events %d are left, from %s on", len(before.Events), len(after.Events), after.Events[0].ID)
	}
	page := l.events(admin, wanted(before.Events[4].ID))
	gap, rest := page.Events[0], page.Events[1:]
	if gap.Kind != api.GapMarker || gap.From != before.Events[5].Seq || gap.To != before.Events[gone-1].Seq || len(rest) != len(after.Events) || rest[0].ID != after.Events[0].ID {
		t.Errorf("%d events after %+v", len(rest), gap)
	}
	if page := l.events(admin, wanted(gap.ID)); len(page.Events) != len(rest) || page.Events[0].ID != rest[0].ID {
		t.Errorf("after the gap come %d events", len(page.Events))
	}
	stop := errors.New("enough")
	err := l.d.FollowEvents(t.Context(), admin, wanted(before.Events[4].ID), func(events []api.Event, at api.Cursor) error {
		switch {
		case len(events) == 0 && at.String() == before.Events[4].ID: // the first place
			return nil
		case len(events) == len(rest)+1 && events[0].Kind == api.GapMarker:
			return stop
		}
		t.Errorf("%d events at %v", len(events), at)
		return stop
	})
	if err != stop {
		t.Error(err)
	}
}

// A page goes back from where it is told, until there is nothing before it.
func TestEventsBackwards(t *testing.T) {
	l := goCollect(t, Retention{})
	for range 10 {
		_, err := l.submit(func(*api.Submission) {})
		l.check(err)
	}
	all := l.events(admin, wanted("0")).Events
	q := wanted("")
	q.Limit = 4
	var found []api.Event
	for pages := 0; ; pages++ {
		page := l.events(admin, q)
		found = append(page.Events, found...)
		if pages == 0 && page.Next != all[len(all)-1].ID {
			t.Errorf("the latest page goes on after %s, want %s", page.Next, all[len(all)-1].ID)
		}
		if page.Before == "" || pages > 20 {
			break
		}
		c, err := api.ParseCursor(page.Before)
		l.check(err)
		q.Before = &c
	}
	if len(found) != len(all) || found[0].ID != all[0].ID || len(all) != 11 {
		t.Errorf("of %d events %d come backwards", len(all), len(found))
	}
	q.Before = &api.Cursor{Generation: "X", Seq: 5}
	if _, err := l.d.Events(t.Context(), admin, q); err == nil {
		t.Error("it reads back from another database's id")
	}
}

// Nobody sees what happens to others' jobs, whatever he asks for.
func TestEventViews(t *testing.T) {
	l := goCollect(t, Retention{})
	_, err := l.submitAs("ann", 3)
	l.check(err)
	_, err = l.submitAs("bob", 1)
	l.check(err)
	ann := api.Caller{Name: "ann"}
	for name, test := range map[string]struct {
		who    api.Caller
		filter api.EventFilter
		want   int
	}{
		"all":                {admin, api.EventFilter{Fleet: true}, 3},
		"no fleet":           {admin, api.EventFilter{}, 2},
		"hers":               {ann, api.EventFilter{Fleet: true}, 2},
		"hers alone":         {ann, api.EventFilter{Fleet: true, Select: &api.Selection{All: true}}, 1},
		"the admin's own":    {admin, api.EventFilter{Fleet: true, Select: &api.Selection{All: true}}, 0},
		"last":               {ann, api.EventFilter{Fleet: true, Select: &api.Selection{Last: true}}, 1},
		"an element":         {ann, api.EventFilter{Select: &api.Selection{Jobs: octaskly.Span(1, 1), Elements: octaskly.Span(2, 2)}}, 1},
		"no such element":    {ann, api.EventFilter{Select: &api.Selection{Jobs: octaskly.Span(1, 1), Elements: octaskly.Span(3, 9)}}, 0},
		"a range of anybody": {ann, api.EventFilter{Select: &api.Selection{Jobs: octaskly.Span(1, 9)}}, 1},
		"kinds":              {admin, api.EventFilter{Fleet: true, Kinds: []octaskly.EventKind{octaskly.DispatcherStarted}}, 1},
		"a worker":           {admin, api.EventFilter{Fleet: true, Worker: "w"}, 0},
	} {
		q := wanted("0")
		q.EventFilter = test.filter
		if page := l.events(test.who, q); len(page.Events) != test.want {
			t.Errorf("%s: %d events, want %d: %+v", name, len(page.Events), test.want, page.Events)
		}
	}
	q := wanted("0")
	q.Select = &api.Selection{Jobs: octaskly.Span(2, 2)}
	if _, err := l.d.Events(t.Context(), ann, q); !errors.Is(err, octaskly.ErrDenied) {
		t.Errorf("another's job: %v", err)
	}
}

// Before the queue is loaded nobody knows which ids there are.
func TestEventsWaitForTheQueue(t *testing.T) {
	var h happened
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.latest(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it knows already: %v", err)
	}
	h.ring(0)
	if last, err := h.latest(t.Context()); last != 0 || err != nil {
		t.Error(last, err)
	}
}
