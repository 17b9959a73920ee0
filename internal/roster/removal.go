package roster

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

const maxRemovals = 100_000

// Remove shuts a worker out: its certificates are revoked, and nothing lets it in but
// an approval. write puts the rows on disk, with whatever else a removal changes. The
// worker is refused from the beginning, and once more let in if write fails.
func (r *Roster) Remove(ctx context.Context, gone octaskly.Removal, write func(*store.Roster) error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.reload(ctx); err != nil {
		return err
	}
	if _, all := r.book.counts(); all >= maxRemovals {
		return fmt.Errorf("cannot remove another worker: %d are kept out already; let some in again with octasklyctl worker approve: %w", all, octaskly.ErrFull)
	}
	before := r.book.removal(gone.Worker)
	rows := &store.Roster{Removals: []octaskly.Removal{gone}}
	for _, i := range r.book.identitiesOf(gone.Worker) {
		if i.RevokedAt.IsZero() {
			rows.Identities = append(rows.Identities, revoked(i, gone.At))
		}
	}
	r.book.apply(&store.Roster{Removals: rows.Removals})
	r.hall.end(gone.Worker, fmt.Errorf("this worker was removed: %w", octaskly.ErrDenied))
	if err := write(rows); err != nil {
		r.undo(gone.Worker, before)
		return err
	}
	r.book.apply(rows)
	return nil
}

func (r *Roster) undo(id octaskly.WorkerID, before *octaskly.Removal) {
	r.stale = true
	if before == nil {
		r.book.apply(&store.Roster{Readmitted: []octaskly.WorkerID{id}})
	}
}
