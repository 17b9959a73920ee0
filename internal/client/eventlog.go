package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/octaskly/octaskly/internal/api"
)

// EventQuery says which events are wanted. Its zero value is the latest ones of all.
type EventQuery struct {
	Task   string // see api.ParseSelection; empty: of all
	Worker string // name or id; empty: of all
	Kinds  string // with commas, as in task.ended,worker; empty: all
	Since  string // only what comes after the event of this id; "0": from the oldest on
	Before string // of a page: only what comes before this one
	Limit  int    // of a page; up to api.MaxLimit, 0: api.DefaultLimit
}

func (q EventQuery) values() url.Values {
	v := url.Values{}
	set(v, "task", q.Task)
	set(v, "worker", q.Worker)
	set(v, "kind", q.Kinds)
	set(v, "since", q.Since)
	set(v, "before", q.Before)
	setInt(v, "limit", int64(q.Limit))
	return v
}

// Events is a page of what has happened, the oldest first.
func (c *Client) Events(ctx context.Context, q EventQuery) (*api.Events, error) {
	return fetch[api.Events](ctx, c, call{path: root + "events", query: q.values()})
}

// FollowEvents yields what happens, each event once, until ctx is done or yield
// returns an error, which is returned. Without Since it begins now.
//
// A daemon that goes away after it has answered is waited for, up to
// Options.Patience; then it goes on where it was.
func (c *Client) FollowEvents(ctx context.Context, q EventQuery, yield func(*api.Event) error) error {
	f := &following{query: q, yield: yield}
	f.lasting = lasting{client: c, once: f.once}
	return f.run(ctx)
}

// following is what FollowEvents is doing.
type following struct {
	lasting
	query EventQuery // Since moves on to where it is
	yield func(*api.Event) error
}

// once follows over one connection.
func (f *following) once(ctx context.Context) error {
	r, err := f.client.request(ctx, call{path: root + "events", query: f.query.values()})
	if err != nil {
		return err
	}
	r.Header.Set("Accept", api.EventType)
	answer, err := f.client.send(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	for messages := newMessages(answer.Body); ; {
		m, err := messages.next()
		if err == io.EOF {
			return broken(ctx, io.ErrUnexpectedEOF) // the stream has no end of its own
		} else if err != nil {
			return broken(ctx, err)
		}
		if err := f.take(m); err != nil {
			return err
		}
	}
}

func (f *following) take(m *message) error {
	f.hears()
	if m.data != "" {
		e := new(api.Event)
		if err := json.Unmarshal([]byte(m.data), e); err != nil {
			return fmt.Errorf("cannot read an event: %w", err)
		}
		if f.stop = f.yield(e); f.stop != nil {
			return f.stop
		}
	}
	if m.id != "" {
		f.query.Since, f.begun = m.id, true
	}
	return nil
}
