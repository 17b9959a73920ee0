package store

import (
	"context"
	"database/sql"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Owned is the jobs of one owner that are kept: their tasks by state, and how many
// of the jobs are not over.
type Owned struct {
	Counts octaskly.Counts
	Live   int64
}

// Most jobs have one task, and SQLite counts those: what is one character long is one
// number. Other ranges are gone through once more.
const (
	ofOwner = ` FROM jobs j CROSS JOIN progress p ON p.job = j.id WHERE j.owner = ?1 AND p.gone = 0`
	longest = `max(length(p.unclaimed), length(p.dropped))`

	ownedSums = `SELECT ifnull(sum(p.ended_at = 0), 0), ifnull(max(` + longest + `), 0),
		ifnull(sum(p.queued + (length(p.unclaimed) = 1)), 0), ifnull(sum(p.assigned), 0), ifnull(sum(p.running), 0),
		ifnull(sum(p.completed), 0), ifnull(sum(p.failed), 0), ifnull(sum(p.timed_out), 0),
		ifnull(sum(p.cancelled + (length(p.dropped) = 1)), 0)` + ofOwner
	ownedRanges = `SELECT p.unclaimed, p.dropped` + ofOwner + ` AND ` + longest + ` > 1`
)

// JobsOf counts an owner's jobs that are kept, up to a million.
func (s *Store) JobsOf(ctx context.Context, owner string) (n int64, err error) {
	err = s.readers.QueryRowContext(ctx, jobsOf, owner).Scan(&n)
	return n, s.unreadable(ctx, err)
}

const jobsOf = `SELECT count(*) FROM (SELECT 1 FROM jobs WHERE owner = ? LIMIT 1000000)`

// Owned counts what an owner has. It reads the progress of each of his jobs: of a
// million, in about a second.
func (s *Store) Owned(ctx context.Context, owner string) (Owned, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Owned{}, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	o, err := countOwned(ctx, tx, owner)
	return o, s.unreadable(ctx, err)
}

func countOwned(ctx context.Context, tx *sql.Tx, owner string) (o Owned, err error) {
	var length int64
	c := &o.Counts
	err = tx.QueryRowContext(ctx, ownedSums, owner).Scan(count{&o.Live}, count{&length},
		count{&c[octaskly.Queued]}, count{&c[octaskly.Assigned]}, count{&c[octaskly.Running]},
		count{&c[octaskly.Completed]}, count{&c[octaskly.Failed]}, count{&c[octaskly.TimedOut]}, count{&c[octaskly.Cancelled]})
	if err != nil || length <= 1 {
		return o, err
	}
	rows, err := tx.QueryContext(ctx, ownedRanges, owner)
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var p octaskly.Progress
		if err := rows.Scan(ranges{&p.Unclaimed}, ranges{&p.Dropped}); err != nil {
			return o, err
		}
		c[octaskly.Queued] += unlessOne(p.Unclaimed)
		c[octaskly.Cancelled] += unlessOne(p.Dropped)
	}
	return o, rows.Err()
}

// unlessOne is how many there are, but of what ownedSums has counted.
func unlessOne(r octaskly.Ranges) int64 {
	if len(r.String()) == 1 {
		return 0
	}
	return r.Count()
}
