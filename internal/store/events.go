package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// EventPage is a part of what happened. All that has a number from First to Last,
// and is kept, is in it, but for what Lost names.
type EventPage struct {
	Events      []octaskly.Event // ascending
	First, Last int64
	Lost        [][2]int64 // numbers, from and to, of what cannot be read
	Gone        int64      // what has a number up to this one is no longer kept
	More        bool       // there is more in the direction that was read
}

const (
	eventBytes = 256 << 10 // of bodies, about, in a page
	eventRows  = 256       // in a page

	goneEvents   = `ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'events_gone'), 0)`
	eventColumns = goneEvents + `, first, last, body`
	eventsAfter  = `SELECT ` + eventColumns + ` FROM events WHERE last > max(?1, ` + goneEvents + `) ORDER BY last LIMIT ?2`
	eventsBefore = `SELECT ` + eventColumns + ` FROM events WHERE last > ` + goneEvents + `
		AND last <= ifnull((SELECT min(last) FROM events WHERE last >= ?1), ?1) AND first < ?1 ORDER BY last DESC LIMIT ?2`
)

// EventsAfter reads on after a number.
func (s *Store) EventsAfter(ctx context.Context, seq int64) (*EventPage, error) {
	p := &EventPage{First: seq + 1, Last: seq}
	err := p.read(ctx, s.readers.eventsAfter, seq, func(row *eventRow, events []octaskly.Event) {
		p.Last = row.last
		p.Events = append(p.Events, slices.DeleteFunc(events, func(e octaskly.Event) bool { return e.Seq <= seq })...)
	})
	return p, s.unreadable(ctx, err)
}

// EventsBefore reads back from a number, which is not in the page.
func (s *Store) EventsBefore(ctx context.Context, seq int64) (*EventPage, error) {
	p := &EventPage{First: seq, Last: seq - 1}
	err := p.read(ctx, s.readers.eventsBefore, seq, func(row *eventRow, events []octaskly.Event) {
		p.First = row.first
		slices.Reverse(events)
		p.Events = append(p.Events, slices.DeleteFunc(events, func(e octaskly.Event) bool { return e.Seq >= seq })...)
	})
	slices.Reverse(p.Events)
	return p, s.unreadable(ctx, err)
}

type eventRow struct {
	gone, first, last int64
	body              []byte
}

// read goes through rows until the page has enough of them.
func (p *EventPage) read(ctx context.Context, query *sql.Stmt, seq int64, take func(*eventRow, []octaskly.Event)) error {
	rows, err := query.QueryContext(ctx, seq, eventRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	size, n := 0, 0
	for rows.Next() {
		row := new(eventRow)
		if err := rows.Scan(&row.gone, &row.first, &row.last, &row.body); err != nil {
			return err
		}
		events, err := decodeEvents(row.first, row.last, row.body)
		if err != nil {
			p.Lost = append(p.Lost, [2]int64{row.first, row.last})
		}
		take(row, events)
		p.Gone = row.gone
		size += len(row.body)
		if n++; size >= eventBytes || n == eventRows {
			p.More = true
			break
		}
	}
	return rows.Err()
}
