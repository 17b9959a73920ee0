package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Query chooses jobs.
type Query struct {
	Owner  string           // empty: everyone's
	IDs    octaskly.Ranges  // nil: all
	States []octaskly.State // none: all
	Live   bool             // those that are not over
	Ended  bool             // those that are; both or neither: all
	Before octaskly.JobID   // older than this one; 0: all
	Limit  int
}

// Jobs lists the jobs that q chooses, newest first.
func (s *Store) Jobs(ctx context.Context, q Query) ([]Record, error) {
	records, err := choose(ctx, s, &q, recordColumns, singleTask, recordFields, func(r *Record) octaskly.JobID { return r.Job.ID })
	for i := range records {
		records[i].tidy()
	}
	return records, err
}

// IDs lists the ids of the jobs that q chooses, newest first.
func (s *Store) IDs(ctx context.Context, q Query) ([]octaskly.JobID, error) {
	return choose(ctx, s, &q, `p.job`, ``, func(id *octaskly.JobID) []any { return []any{id} }, func(id *octaskly.JobID) octaskly.JobID { return *id })
}

// search is one question to the database at one time.
type search[T any] struct {
	*Query
	tx      *sql.Tx
	columns string
	join    string // of further tables
	fields  func(*T) []any
}

// choose answers q, range by range: any number of them is well.
func choose[T any](ctx context.Context, s *Store, q *Query, columns, join string, fields func(*T) []any, id func(*T) octaskly.JobID) (found []T, err error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	search := search[T]{q, tx, columns, join, fields}
	for _, r := range slices.Backward(q.spans()) {
		if len(found) >= q.Limit {
			break
		}
		some, err := search.within(ctx, r, q.Limit-len(found), id)
		if err != nil {
			return nil, s.unreadable(ctx, err)
		}
		found = append(found, some...)
	}
	return found, nil
}

func (q *Query) spans() octaskly.Ranges {
	if q.IDs == nil {
		return octaskly.Span(1, math.MaxInt64)
	}
	return q.IDs
}

// within searches one range of ids. What several parts have is put in order.
func (s *search[T]) within(ctx context.Context, r octaskly.Range, limit int, id func(*T) octaskly.JobID) (found []T, err error) {
	parts := s.parts()
	for _, p := range parts {
		some, err := s.walk(ctx, p, r, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	if len(parts) > 1 {
		slices.SortFunc(found, func(a, b T) int { return cmp.Compare(id(&b), id(&a)) })
	}
	return found[:min(limit, len(found))], nil
}

// part is a condition that an index of progress answers in the order of ids;
// empty: all jobs.
type part string

// parts divide what is asked for by the index that has it.
func (q *Query) parts() (parts []part) {
	if q.Live == q.Ended && len(q.States) == 0 {
		return []part{``}
	}
	var live, over []octaskly.State
	for _, s := range octaskly.States {
		switch wanted := len(q.States) == 0 || slices.Contains(q.States, s); {
		case wanted && s.Terminal() && (q.Ended || !q.Live):
			over = append(over, s)
		case wanted && !s.Terminal() && (q.Live || !q.Ended):
			live = append(live, s)
		}
	}
	switch {
	case len(live) == 0:
	case len(q.States) == 0:
		parts = append(parts, `p.ended_at = 0`)
	case live[0] == octaskly.Queued:
		parts = append(parts, part(`p.ended_at = 0 AND p.state IN (`+numbers(live)+`)`))
	default:
		parts = append(parts, part(`p.ended_at = 0 AND p.state > 1 AND p.state IN (`+numbers(live)+`)`))
	}
	for _, s := range over {
		parts = append(parts, part(fmt.Sprintf(`p.ended_at > 0 AND p.state = %d`, s)))
	}
	return parts
}

// stride is how many entries of an index a walk takes at once.
const stride = 1000

// walk searches a part of one range, from its end. Where an owner is named, there
// are two indices to go by: his jobs, and those that fit the part. It takes
// whichever has fewer entries, stride by stride.
func (s *search[T]) walk(ctx context.Context, p part, r octaskly.Range, limit int) (found []T, err error) {
	if s.Before > 0 {
		r.Hi = min(r.Hi, int64(s.Before)-1)
	}
	for hi := r.Hi; hi >= r.Lo && len(found) < limit; {
		from, byOwner := r.Lo, s.Owner != ""
		if byOwner && p != `` {
			if from, byOwner, err = s.shorter(ctx, p, r.Lo, hi); err != nil {
				return nil, err
			}
		}
		some, err := list(ctx, s.tx, s.fields, s.text(p, byOwner, s.columns, s.join), r.Lo, hi, r.Step, limit-len(found), from, s.Owner)
		if err != nil {
			return nil, err
		}
		found, hi = append(found, some...), from-1
	}
	return found, nil
}

// shorter is how far down from hi a stride reaches, and which index to go by.
func (s *search[T]) shorter(ctx context.Context, p part, lo, hi int64) (from int64, byOwner bool, err error) {
	var ends [2]int64
	for i, text := range []string{ownerStride, p.stride()} {
		err := s.tx.QueryRowContext(ctx, text, lo, hi, s.Owner).Scan(&ends[i])
		if err != nil {
			return 0, false, err
		}
	}
	return min(ends[0], ends[1]), ends[0] <= ends[1], nil
}

// ownerStride and part.stride ask for the last id of a stride from ?2 down; it is
// ?1 where there are not so many.
var ownerStride = lastOfStride(`id FROM jobs WHERE owner = ?3 AND id`, ``)

func (p part) stride() string {
	return lastOfStride(`p.job FROM progress p WHERE p.job`, ` AND `+string(p))
}

func lastOfStride(id, where string) string {
	name, _, _ := strings.Cut(id, ` `)
	return fmt.Sprintf(`SELECT ifnull((SELECT %s BETWEEN ?1 AND ?2%s ORDER BY %s DESC LIMIT 1 OFFSET %d), ?1)`, id, where, name, stride-1)
}

// text asks for the jobs of a part from ?5 to ?2, of those that are in the range
// of ?1 and ?3. CROSS JOIN keeps SQLite to the order of the tables.
func (q *Query) text(p part, byOwner bool, columns, join string) string {
	from, id := `progress p CROSS JOIN jobs j ON j.id = p.job`, `p.job`
	if byOwner {
		from, id = `jobs j CROSS JOIN progress p ON p.job = j.id`, `j.id`
	}
	text := `SELECT ` + columns + ` FROM ` + from + join + ` WHERE ` + id + ` BETWEEN ?5 AND ?2 AND (` + id + ` - ?1) % ?3 = 0 AND p.gone = 0`
	if p != `` {
		text += ` AND ` + string(p)
	}
	if q.Owner != "" {
		text += ` AND j.owner = ?6`
	}
	return text + ` ORDER BY ` + id + ` DESC LIMIT ?4`
}
