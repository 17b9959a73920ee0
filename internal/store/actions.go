package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// ActionQuery chooses rows of the audit log.
type ActionQuery struct {
	Who     string    // empty: everybody, as below
	What    string    // without a point: all that begin so, "task" for "task.submit"
	Target  string    //
	Outcome string    // Refused: all that are not octaskly.Done
	Since   time.Time // zero: from the first
	Until   time.Time // and not at that time; zero: to the last
	Before  int64     // older than this one; 0: all
	Limit   int       // MaxActions at most
}

const (
	// Refused in an ActionQuery is every Outcome but octaskly.Done.
	Refused = "refused"
	// MaxActions is how many rows one query gives at most.
	MaxActions = 1000
)

// Actions lists the rows that q chooses, newest first.
func (s *Store) Actions(ctx context.Context, q ActionQuery) (found []octaskly.Action, err error) {
	q.Limit = min(max(q.Limit, 0), MaxActions)
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	whats, err := q.whats(ctx, tx)
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	lo, hi, err := q.span(ctx, tx)
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	for _, q.What = range whats {
		some, err := q.walk(ctx, tx, lo, hi)
		if err != nil {
			return nil, s.unreadable(ctx, err)
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b octaskly.Action) int { return cmp.Compare(b.Seq, a.Seq) })
	return found[:min(len(found), q.Limit)], nil
}

// LastAction is the newest row of the audit log, nil where there is none.
func (s *Store) LastAction(ctx context.Context) (*octaskly.Action, error) {
	a := new(octaskly.Action)
	err := s.readers.QueryRowContext(ctx, lastAction).Scan(actionFields(a)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	return a, nil
}

const (
	lastAction = `SELECT ` + actionColumns + ` FROM audit_log a ORDER BY a.seq DESC LIMIT 1`
	// whatsOf goes from each to the next by the index.
	whatsOf = `WITH RECURSIVE known(what) AS (
		SELECT min(what) FROM audit_log WHERE what >= ?1 AND what < ?2
		UNION ALL SELECT (SELECT min(what) FROM audit_log WHERE what > known.what AND what < ?2) FROM known WHERE known.what IS NOT NULL)
		SELECT what FROM known WHERE what IS NOT NULL LIMIT 100`
)

// whats are the names of what is asked for; one that is empty is any.
func (q *ActionQuery) whats(ctx context.Context, tx *sql.Tx) ([]string, error) {
	if q.What == "" || strings.Contains(q.What, ".") {
		return []string{q.What}, nil
	}
	return list(ctx, tx, func(what *string) []any { return []any{what} }, whatsOf, q.What+".", q.What+"/") // '/' follows '.'
}

// span is the first and the last number that there can be. Times are nearly in the
// order of numbers, but clocks are set: only of a span with few rows is it known
// where they all are. In one with many, those that are looked for are soon found.
func (q *ActionQuery) span(ctx context.Context, tx *sql.Tx) (lo, hi int64, err error) {
	lo, hi = math.MinInt64, math.MaxInt64
	if q.Before > 0 {
		hi = q.Before - 1
	}
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = micros(q.Since)
	}
	if !q.Until.IsZero() {
		until = micros(q.Until) - 1
	}
	if since == math.MinInt64 && until == math.MaxInt64 {
		return lo, hi, nil
	}
	var n, first, last int64
	err = tx.QueryRowContext(ctx, spanOf, since, until, maxSpan+1).Scan(&n, &first, &last)
	if n <= maxSpan {
		lo, hi = max(lo, first), min(hi, last)
	}
	return lo, hi, err
}

const (
	maxSpan = 10_000
	spanOf  = `SELECT count(*), ifnull(min(seq), 1), ifnull(max(seq), 0) FROM
		(SELECT a.seq FROM audit_log a INDEXED BY audit_by_time WHERE a.at BETWEEN ?1 AND ?2 LIMIT ?3)`
)

// way is an index that leads to the rows of a query; the empty one is all rows.
type way struct{ index, where string }

// ways are the indices that there are for q.
func (q *ActionQuery) ways() (ways []way) {
	for _, w := range []struct {
		wanted bool
		way    way
	}{
		{q.Target != "", way{"audit_by_target", `a.target = ?6 AND a.target <> ''`}},
		{q.Who != "", way{"audit_by_who", `a.who = ?4 AND a.who <> ''`}},
		{q.Outcome != "" && q.Outcome != octaskly.Done, way{"audit_refused", `a.outcome <> '` + octaskly.Done + `'`}},
		{q.What != "", way{"audit_by_what", `a.what = ?5`}},
	} {
		if w.wanted {
			ways = append(ways, w.way)
		}
	}
	return ways
}

// walk looks for the rows of one What from the newest on. Where there are several
// indices to go by, it takes whichever has fewer entries, stride by stride.
func (q *ActionQuery) walk(ctx context.Context, tx *sql.Tx, lo, hi int64) (found []octaskly.Action, err error) {
	ways := q.ways()
	for lo <= hi && len(found) < q.Limit {
		from, by, err := q.shortest(ctx, tx, ways, lo, hi)
		if err != nil {
			return nil, err
		}
		some, err := list(ctx, tx, actionFields, q.text(by), q.args(from, hi, q.Limit-len(found))...)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		if from == lo {
			break
		}
		hi = from - 1
	}
	return found, nil
}

// shortest finds the way of which a stride reaches furthest down, and how far.
func (q *ActionQuery) shortest(ctx context.Context, tx *sql.Tx, ways []way, lo, hi int64) (from int64, by way, err error) {
	switch len(ways) {
	case 0:
		return lo, way{}, nil
	case 1:
		return lo, ways[0], nil
	}
	for i, w := range ways {
		var end int64
		if err := tx.QueryRowContext(ctx, w.stride(), q.args(lo, hi, 0)...).Scan(&end); err != nil {
			return 0, way{}, err
		}
		if i == 0 || end < from {
			from, by = end, w
		}
	}
	return from, by, nil
}

// stride asks for the last number of a stride, or ?1 where there are not so many.
func (w way) stride() string {
	return fmt.Sprintf(`SELECT ifnull((SELECT a.seq FROM audit_log a INDEXED BY %s WHERE %s AND a.seq BETWEEN ?1 AND ?2
		ORDER BY a.seq DESC LIMIT 1 OFFSET %d), ?1)`, w.index, w.where, stride-1)
}

// text asks for the rows of q by one way. The arguments are named, so that those
// that a statement does not have are no matter.
func (q *ActionQuery) text(by way) string {
	text := `SELECT ` + actionColumns + ` FROM audit_log a `
	if by.index != "" {
		text += `INDEXED BY ` + by.index
	} else {
		text += `NOT INDEXED`
	}
	text += ` WHERE a.seq BETWEEN ?1 AND ?2`
	for _, w := range q.ways() {
		text += ` AND ` + w.where
	}
	if q.Outcome != "" && q.Outcome != Refused {
		text += ` AND a.outcome = ?7`
	}
	if !q.Since.IsZero() {
		text += ` AND a.at >= ?8`
	}
	if !q.Until.IsZero() {
		text += ` AND a.at < ?9`
	}
	return text + ` ORDER BY a.seq DESC LIMIT ?3`
}

func (q *ActionQuery) args(lo, hi int64, limit int) []any {
	return []any{lo, hi, limit, q.Who, q.What, q.Target, q.Outcome, micros(q.Since), micros(q.Until)}
}
