package store

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Of events the oldest are removed, in steps: first a mark says which are gone for
// all who read, then their rows go. Like collecting, this does not wait for the
// disk.

const (
	eventSizes = `SELECT last, length(body) FROM events ORDER BY last`
	eventTotal = `SELECT ifnull(sum(length(body)), 0) FROM events`
)

// EventBytes is the size of all events.
func (s *Store) EventBytes(ctx context.Context) (n int64, err error) {
	err = s.readers.QueryRowContext(ctx, eventTotal).Scan(&n)
	return n, s.unreadable(ctx, err)
}

// OldEvents is the number up to which events have to go, so that about so many bytes
// go with them. The latest commit's stay in any case.
func (s *Store) OldEvents(ctx context.Context, bytes int64) (upTo int64, err error) {
	rows, err := s.readers.QueryContext(ctx, eventSizes)
	if err != nil {
		return 0, s.unreadable(ctx, err)
	}
	defer rows.Close()
	last, size := int64(0), int64(0)
	for bytes > 0 && rows.Next() {
		upTo = last // of the row before
		if err := rows.Scan(&last, &size); err != nil {
			return 0, s.unreadable(ctx, err)
		}
		if bytes -= size; bytes <= 0 && rows.Next() {
			upTo = last
		}
	}
	return upTo, s.unreadable(ctx, rows.Err())
}

// RemoveEvents makes the events up to a number gone, and deletes some of their rows.
// It reports whether those were the last.
func (s *Store) RemoveEvents(_ context.Context, upTo int64) (done bool, err error) {
	err = s.writer.relaxed(func(c *collector) error {
		if err := c.goneEvents.exec(fmt.Sprint(upTo)); err != nil {
			return err
		}
		n, err := c.events.count(upTo, int64(removeRows))
		done = n < removeRows
		return err
	})
	if err != nil {
		return false, fmt.Errorf("cannot remove old events from the database: %w", explain(s.suspect(err)))
	}
	return done, nil
}

// mendEvents drops what nobody could read: rows that say nothing, and that overlap.
func (m *mender) mendEvents(ctx context.Context) error {
	for before := int64(0); ; {
		rows, err := list(ctx, m.db, func(r *eventRow) []any { return []any{&r.first, &r.last, &r.body} },
			`SELECT first, last, body FROM events WHERE last > ? ORDER BY last LIMIT ?`, before, eventRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := m.mendEventRow(ctx, &rows[i], before); err != nil {
				return err
			}
			before = rows[i].last
		}
	}
}

func (m *mender) mendEventRow(ctx context.Context, r *eventRow, before int64) error {
	events, err := decodeEvents(r.first, r.last, r.body)
	if err == nil && r.first > before && readable(events) {
		return nil
	}
	_, err = m.db.ExecContext(ctx, `DELETE FROM events WHERE last = ?`, r.last)
	return err
}

func readable(events []octaskly.Event) bool { return len(events) > 0 && events[0].Seq > 0 }
