package roster

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// settleCopy ends what may have been revoked since the database was copied, as for a
// backup, unless machine tokens are kept: these are certificates of machines. That it is
// done, accounts note. For the holder of r.changing.
func (r *Roster) settleCopy(ctx context.Context) error {
	what, err := r.store.Copied(ctx)
	if err != nil || what != store.CopiedAll {
		return err
	}
	now, rows := clock(), &store.Records{}
	for _, i := range r.book.allIdentities() {
		if i.RevokedAt.IsZero() {
			rows.Identities = append(rows.Identities, revoked(i, now))
		}
	}
	for _, v := range r.book.allInvites() {
		if open(v, now) {
			rows.Invites = append(rows.Invites, withdrawn(v, now))
		}
	}
	if len(rows.Identities)+len(rows.Invites) == 0 {
		return nil
	}
	ended := fmt.Sprintf("%d certificates of workers and %d invites ended", len(rows.Identities), len(rows.Invites))
	rows.Actions = []octaskly.Action{{At: now, What: revokeAction, Target: "*", Outcome: octaskly.Done,
		Detail: "the database is a copy, as of a backup that was restored: " + ended}}
	r.log.Warn("The database is a copy, which does not know what was revoked since: " + ended + "; workers join anew, with the fleet key or by an approval")
	return r.write(ctx, rows)
}
