package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Cursor is a place in the events of one database. As text it is the id of an event,
// after which one reads on.
type Cursor struct {
	Generation string // of the database; empty: the present one
	Seq        int64
}

func (c Cursor) String() string {
	if c.Generation == "" {
		return strconv.FormatInt(c.Seq, 10)
	}
	return c.Generation + "." + strconv.FormatInt(c.Seq, 10)
}

// ParseCursor reads the id of an event, or its number alone. 0 is before all events.
func ParseCursor(text string) (Cursor, error) {
	generation, number, whole := strings.Cut(text, ".")
	if !whole {
		generation, number = "", text
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || whole && generation == "" || len(generation) > maxTarget ||
		strconv.FormatInt(n, 10) != number || strings.Trim(generation, letters) != "" {
		return Cursor{}, fmt.Errorf("%q is not the id of an event; 0 is before all of them", shorten(text))
	}
	return Cursor{generation, n}, nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// Markers stand among events where there is something to say of them.
const (
	GapMarker   = "gap"   // those from From to To are no longer kept, or cannot be read
	ResetMarker = "reset" // the id that was read on after is of another database, or none yet: what follows begins now
)

// Event is something that happened, or with Kind "gap" or "reset" a marker.
type Event struct {
	ID       string          `json:"id"` // to read on after it
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at,omitzero"`
	Kind     string          `json:"kind"` // such as task.ended
	Owner    string          `json:"owner,omitempty"`
	Job      string          `json:"job,omitempty"`
	Task     string          `json:"task,omitempty"`     // 42, or 42.7 of an array; not of what is about several elements
	Elements string          `json:"elements,omitempty"` // of the job, where it is about several
	Tasks    int64           `json:"tasks,omitempty"`    // how many
	Attempt  int             `json:"attempt,omitempty"`
	Worker   string          `json:"worker,omitempty"` // its name
	WorkerID string          `json:"worker_id,omitempty"`
	State    octaskly.State  `json:"state,omitempty"` // of the task, from then on
	Why      string          `json:"why,omitempty"`   // queued: lost, released, recalled, retry, again; assigned, running: back
	Reason   octaskly.Reason `json:"reason,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	Limit    float64         `json:"limit,omitempty"` // that the reason names: seconds, bytes or a number
	Peak     float64         `json:"peak,omitempty"`  // of what it limits
	From     int64           `json:"from,omitempty"`  // of a gap, as To
	To       int64           `json:"to,omitempty"`
}

// Events is GET /api/v1/events, the oldest first.
type Events struct {
	Events []Event `json:"events"`
	Next   string  `json:"next"`             // since this id the next page begins
	More   bool    `json:"more,omitempty"`   // there is a next page already, be it empty for the filter
	Before string  `json:"before,omitempty"` // before this id the page before ends; not given: there is none
}

// EventFilter says which events are wanted: none of it is all.
type EventFilter struct {
	Select *Selection
	Worker string // name or id
	Kinds  []octaskly.EventKind
	Fleet  bool // also those that are about no task: the caller may read workers
}

// EventQuery asks for events: after Since, or before Before, or where both are nil for
// the latest.
type EventQuery struct {
	EventFilter
	Since, Before *Cursor
	Limit         int
}

const (
	maxKindsText  = 1024
	eventsPerLump = 64 << 10 // bytes that are written at once, about
)

func (r *request) eventQuery() EventQuery {
	q := EventQuery{
		EventFilter: EventFilter{Worker: r.text("worker", maxTarget), Fleet: auth.Of(r.who.Role).Allows(auth.ReadWorkers)},
		Since:       r.cursor("since"), Before: r.cursor("before"), Limit: int(r.number("limit", 1, MaxLimit, DefaultLimit)),
	}
	if text := r.values.Get("task"); text != "" {
		s, err := ParseSelection(text)
		r.blame("task", err)
		q.Select = &s
	}
	if text := r.text("kind", maxKindsText); text != "" {
		for word := range strings.SplitSeq(text, ",") {
			kinds, err := octaskly.ParseEventKinds(word)
			r.blame("kind", err)
			q.Kinds = append(q.Kinds, kinds...)
		}
	}
	if q.Since != nil && q.Before != nil {
		r.blame("before", errors.New("it does not go with since"))
	}
	return q
}

func (r *request) cursor(name string) *Cursor {
	if !r.values.Has(name) {
		return nil
	}
	c, err := ParseCursor(r.values.Get(name))
	r.blame(name, err)
	return &c
}

// events answers with a page, or goes on for ever.
func (h *Handler) events(w *answer, r *request) error {
	if r.wantsEvents() {
		return h.followEvents(w, r)
	}
	return reply(h.eventPage)(w, r)
}

func (h *Handler) eventPage(r *request) (*Events, error) {
	q := r.eventQuery()
	if r.bad != nil {
		return nil, r.bad
	}
	page, err := h.dispatcher.Events(r.Context(), r.who, q)
	if err != nil {
		return nil, err
	}
	page.Events = listed(page.Events)
	return page, nil
}

func (h *Handler) followEvents(w *answer, r *request) error {
	q := r.eventQuery()
	for _, name := range []string{"before", "limit"} {
		if r.values.Has(name) {
			r.blame(name, errors.New("it goes with a page, as Accept: application/json gives it"))
		}
	}
	if last := r.Header.Get(lastEvent); last != "" {
		c, err := ParseCursor(last)
		r.blame(lastEvent, err)
		q.Since = &c
	}
	if r.bad != nil {
		return r.bad
	}
	ctx, end, err := streamContext(w, r)
	if err != nil {
		return err
	}
	defer end()
	defer keepAlive(w)()
	w.Header().Set("Content-Type", EventType)
	s := stream{w}
	err = h.dispatcher.FollowEvents(ctx, r.who, q, s.sendHappened)
	s.extend()
	if context.Cause(ctx) == context.Canceled && w.begun && !w.broken { // the daemon stops: who follows comes back with the last id
		return nil
	}
	return whyEnded(ctx, err)
}

// sendHappened writes events, and the id up to which there are no others: without
// data, an id alone is no event, but is where a reader goes on.
func (s stream) sendHappened(events []Event, at Cursor) error {
	var lump bytes.Buffer
	for i := range events {
		line, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		fmt.Fprintf(&lump, "event: %s\nid: %s\ndata: %s\n\n", eventName(events[i].Kind), events[i].ID, line)
		if lump.Len() >= eventsPerLump {
			if _, err := s.Write(lump.Bytes()); err != nil {
				return err
			}
			lump.Reset()
		}
	}
	if n := len(events); n == 0 || events[n-1].ID != at.String() {
		fmt.Fprintf(&lump, "id: %v\n\n", at)
	}
	if _, err := s.Write(lump.Bytes()); err != nil {
		return err
	}
	return s.Flush()
}

// eventName is one for all that happens, so that a reader needs one ear.
func eventName(kind string) string {
	if kind == GapMarker || kind == ResetMarker {
		return kind
	}
	return "event"
}
