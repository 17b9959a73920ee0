package roster

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/store"
)

const (
	sweepEvery = time.Hour
	sweepBatch = 500 // rows in one commit
	overKept   = 7 * 24 * time.Hour
)

// Run removes what ended long ago, until the context ends.
func (r *Roster) Run(ctx context.Context) error {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		if err := r.sweep(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("cannot remove what is over of the roster", "error", err)
		}
		select {
		case <-sweep.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Roster) sweep(ctx context.Context) error {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = r.sweepSome(ctx, clock()); err != nil {
			return err
		}
	}
	return nil
}

func (r *Roster) sweepSome(ctx context.Context, now time.Time) (more bool, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.reload(ctx); err != nil {
		return false, err
	}
	rows := &store.Records{}
	for _, i := range r.book.allIdentities() {
		if now.Sub(i.ExpiresAt) > overKept && len(rows.RemovedIdentities) < sweepBatch {
			rows.RemovedIdentities = append(rows.RemovedIdentities, i.Serial)
		}
	}
	for _, v := range r.book.allInvites() {
		if now.Sub(v.ExpiresAt) > overKept && len(rows.RemovedInvites) < sweepBatch {
			rows.RemovedInvites = append(rows.RemovedInvites, v.ID)
		}
	}
	if len(rows.RemovedIdentities)+len(rows.RemovedInvites) == 0 {
		return false, nil
	}
	return max(len(rows.RemovedIdentities), len(rows.RemovedInvites)) == sweepBatch, r.write(ctx, rows)
}
