package dispatcher

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// eventReader reads on in what happened, page by page.
type eventReader struct {
	*Dispatcher
	*eventView
	tellerOf
	at     int64 // up to here it has read
	oldest bool  // it begins with whatever is the oldest: what is gone it does not miss
}

// readEvents makes a reader that begins after since, or where that is nil now. Where
// since is a place of another database, or none yet, it begins now, and says so.
func (d *Dispatcher) readEvents(ctx context.Context, view *eventView, since *api.Cursor) (r *eventReader, told []api.Event, err error) {
	latest, err := d.happened.latest(ctx)
	if err != nil {
		return nil, nil, err
	}
	r = &eventReader{Dispatcher: d, eventView: view, tellerOf: tellerOf{d.store.Generation()}, at: latest}
	switch {
	case since == nil:
	case since.Seq == 0:
		r.at, r.oldest = 0, true
	case since.Generation != "" && since.Generation != r.generation || since.Seq > r.at:
		told = append(told, r.reset(r.at))
	default:
		r.at = since.Seq
	}
	return r, told, nil
}

// next reads a page. It says whether there is another one already.
func (r *eventReader) next(ctx context.Context) (told []api.Event, more bool, err error) {
	page, err := r.store.EventsAfter(ctx, r.at)
	if err != nil {
		return nil, false, err
	}
	if r.store.Generation() != r.generation { // it was salvaged meanwhile
		fresh, _, err := r.readEvents(ctx, r.eventView, nil)
		if err != nil {
			return nil, false, err
		}
		*r = *fresh
		return []api.Event{r.reset(r.at)}, true, nil
	}
	told = r.tell(page)
	if page.Gone > r.at && !r.oldest {
		told = append([]api.Event{r.gap(r.at+1, page.Gone)}, told...)
	}
	r.at, r.oldest = page.Last, false
	return told, page.More, nil
}

// tell chooses what the reader wants of a page, and marks what nobody can read.
func (r *eventReader) tell(page *store.EventPage) (told []api.Event) {
	for i := range page.Events {
		if e := &page.Events[i]; r.sees(e) {
			told = append(told, r.event(e))
		}
	}
	for _, lost := range page.Lost {
		told = append(told, r.gap(lost[0], lost[1]))
	}
	if len(page.Lost) > 0 {
		slices.SortFunc(told, func(a, b api.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return told
}

// placePause is how often a reader for whom nothing is learns where he is.
const placePause = 5 * time.Second

// FollowEvents yields what happens. It reads from the store and waits for a bell: however
// slow yield is, nobody else notices.
func (d *Dispatcher) FollowEvents(ctx context.Context, who api.Caller, q api.EventQuery, yield func([]api.Event, api.Cursor) error) error {
	view, err := d.viewOf(ctx, who, q.EventFilter)
	if err != nil {
		return err
	}
	r, told, err := d.readEvents(ctx, view, q.Since)
	if err != nil {
		return err
	}
	if err := yield(told, r.cursor(r.at)); err != nil {
		return err
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	said, saidAt := r.at, time.Now()
	for {
		told, more, err := r.next(ctx)
		if err != nil {
			return err
		}
		if len(told) > 0 || r.at != said && time.Since(saidAt) >= placePause {
			if err := yield(told, r.cursor(r.at)); err != nil {
				return err
			}
			said, saidAt = r.at, time.Now()
		}
		if more {
			continue
		}
		if err := d.happened.wait(ctx, r.at, pause, placePause); err != nil {
			return err
		}
	}
}

// maxEventPages bounds what one request looks through.
const maxEventPages = 4

// Events gives a page of what happened.
func (d *Dispatcher) Events(ctx context.Context, who api.Caller, q api.EventQuery) (*api.Events, error) {
	view, err := d.viewOf(ctx, who, q.EventFilter)
	if err != nil {
		return nil, err
	}
	if q.Since == nil {
		return d.eventsBefore(ctx, view, q)
	}
	r, told, err := d.readEvents(ctx, view, q.Since)
	if err != nil {
		return nil, err
	}
	page, more := &api.Events{Events: told}, true
	for range maxEventPages {
		if !more || len(page.Events) >= q.Limit {
			break
		}
		if told, more, err = r.next(ctx); err != nil {
			return nil, err
		}
		page.Events = append(page.Events, told...)
	}
	page.More, page.Next = more, r.cursor(r.at).String()
	if len(page.Events) > q.Limit {
		page.Events = page.Events[:q.Limit]
		page.More, page.Next = true, page.Events[q.Limit-1].ID
	}
	return page, nil
}

// eventsBefore reads back, from now or from where q says.
func (d *Dispatcher) eventsBefore(ctx context.Context, view *eventView, q api.EventQuery) (*api.Events, error) {
	r, _, err := d.readEvents(ctx, view, nil)
	if err != nil {
		return nil, err
	}
	before, more := r.at+1, true
	if c := q.Before; c != nil {
		if c.Generation != "" && c.Generation != r.generation {
			return nil, &octaskly.FieldError{Field: "before", Why: "it is the id of an event of another database; the dispatcher's was restored, or saved from damage"}
		}
		before = min(c.Seq, before)
	}
	page := &api.Events{Next: r.cursor(max(before-1, 0)).String(), More: before <= r.at}
	for range maxEventPages {
		if !more || len(page.Events) >= q.Limit {
			break
		}
		found, err := d.store.EventsBefore(ctx, before)
		if err != nil {
			return nil, err
		}
		page.Events = append(r.tell(found), page.Events...)
		before, more = found.First, found.More
	}
	if n := len(page.Events) - q.Limit; n > 0 {
		page.Events, more = page.Events[n:], true
		before = page.Events[0].Seq
	}
	if more && before > 1 {
		page.Before = r.cursor(before).String()
	}
	return page, nil
}
