package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

const (
	endedKept  = 7 * day // so long is a token shown that has ended
	maxEnded   = 100     // of one user, then the oldest go at once
	sweepBatch = 500     // rows in one commit
)

// surplus are tokens of a user that have ended and are too many: who logs in and out
// all day fills neither memory nor disk.
func (a *Accounts) surplus(user string, now time.Time) (ids []string) {
	var over []*octaskly.Token
	for _, t := range a.book.owned[user] {
		if !live(t, now) {
			over = append(over, t)
		}
	}
	if len(over) < maxEnded {
		return nil
	}
	slices.SortFunc(over, func(x, y *octaskly.Token) int { return ended(x).Compare(ended(y)) })
	for _, t := range over[:len(over)-maxEnded+1] {
		ids = append(ids, t.ID)
	}
	return ids
}

// sweep removes what ended long ago, and keys that nobody needs.
func (a *Accounts) sweep(ctx context.Context) error {
	for {
		more, err := a.sweepSome(ctx, clock())
		if err != nil || !more {
			return err
		}
	}
}

func (a *Accounts) sweepSome(ctx context.Context, now time.Time) (more bool, err error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.reload(ctx); err != nil {
		return false, err
	}
	rows := &store.Records{}
	for id, t := range a.book.tokens {
		if !live(t, now) && now.Sub(ended(t)) > endedKept {
			rows.RemovedTokens = append(rows.RemovedTokens, id)
		}
		if more = len(rows.RemovedTokens) == sweepBatch; more {
			break
		}
	}
	if !more {
		rows.RemovedKeys = a.spent(now)
	}
	if len(rows.RemovedTokens)+len(rows.RemovedKeys) == 0 {
		return false, nil
	}
	return more, a.write(ctx, rows)
}
