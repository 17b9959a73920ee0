package accounts

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// settleCopy ends what may have been revoked since the database was copied, as for a
// backup: all logins, and machine tokens unless they are kept. Keys may have been
// rotated since because somebody knew them, so they go, too; those of machine tokens
// that are kept only sign no longer.
func (a *Accounts) settleCopy(ctx context.Context) error {
	what, err := a.store.Copied(ctx)
	if err != nil || what == store.NotCopied {
		return err
	}
	now := clock()
	key, err := a.newKey(later(now, a.keys[0].CreatedAt))
	if err != nil {
		return err
	}
	rows := &store.Records{Settled: true, Keys: []octaskly.SigningKey{*key}}
	logins, machines := a.logins(""), a.machines()
	rows.Tokens = ending(logins, now)
	ended := fmt.Sprintf("%d logins ended, %d machine tokens were kept", len(logins), len(machines))
	if what == store.CopiedAll {
		rows.Tokens = append(rows.Tokens, ending(machines, now)...)
		ended = fmt.Sprintf("%d logins and %d machine tokens ended", len(logins), len(machines))
	}
	for _, former := range a.keys {
		switch {
		case what == store.CopiedAll:
			rows.RemovedKeys = append(rows.RemovedKeys, former.ID)
		case former.RetiredAt.IsZero():
			rows.Keys = append(rows.Keys, a.retire(former, now))
		}
	}
	const why = "the database is a copy, as of a backup that was restored: "
	rows.Actions = []octaskly.Action{
		{At: now, What: "token.revoke", Target: "*", Outcome: octaskly.Done, Detail: why + ended},
		{At: now, What: "key.rotate", Target: key.ID, Outcome: octaskly.Done, Detail: fmt.Sprintf("%s%d keys removed", why, len(rows.RemovedKeys))},
	}
	a.log.Warn("The database is a copy, which does not know what was revoked since: "+ended+"; users log in again, as with their passwords of then", "key", key.ID)
	return a.write(ctx, rows)
}

// machines are the machine tokens that were not revoked. For the holder of a.changing.
func (a *Accounts) machines() (machines []*octaskly.Token) {
	for _, t := range a.book.tokens {
		if t.Kind == octaskly.MachineToken && t.RevokedAt.IsZero() {
			machines = append(machines, t)
		}
	}
	return machines
}
