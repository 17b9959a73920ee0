package store

import (
	"context"
	"database/sql"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const waitingOf = `SELECT j.owner, p.unclaimed, p.queued FROM progress p CROSS JOIN jobs j ON j.id = p.job WHERE p.ended_at = 0`

// Waiting counts, of each owner, the tasks that wait: as they were after the commit
// of the transition with number seq.
func (s *Store) Waiting(ctx context.Context) (byOwner map[string]int64, seq int64, err error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, 0, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	var l ledger
	if err := l.read(ctx, tx); err != nil {
		return nil, 0, s.unreadable(ctx, err)
	}
	byOwner, err = sumWaiting(ctx, tx)
	return byOwner, l.seq, s.unreadable(ctx, err)
}

func sumWaiting(ctx context.Context, tx *sql.Tx) (map[string]int64, error) {
	rows, err := tx.QueryContext(ctx, waitingOf)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sums := map[string]int64{}
	for rows.Next() {
		var owner string
		var unclaimed octaskly.Ranges
		var again int64
		if err := rows.Scan(&owner, ranges{&unclaimed}, &again); err != nil {
			return nil, err
		}
		sums[owner] += unclaimed.Count() + again
	}
	return sums, rows.Err()
}
