package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

const (
	usesEvery = time.Minute // how exactly it is known when a token was used
	usesBatch = 500         // rows in one commit
)

// uses are the tokens that were used since it was last written down when.
type uses struct {
	lock sync.Mutex
	at   map[string]time.Time
}

func (u *uses) note(id string, now time.Time) {
	u.lock.Lock()
	defer u.lock.Unlock()
	if u.at == nil {
		u.at = map[string]time.Time{}
	}
	u.at[id] = now
}

// take returns them, and begins anew.
func (u *uses) take() map[string]time.Time {
	u.lock.Lock()
	defer u.lock.Unlock()
	taken := u.at
	u.at = nil
	return taken
}

// writeUses writes down when tokens were used. What cannot be written is forgotten:
// the next use is noted again.
func (a *Accounts) writeUses(ctx context.Context) error {
	var ids []string
	at := a.uses.take()
	for id := range at {
		if ids = append(ids, id); len(ids) == usesBatch {
			if err := a.writeUsed(ctx, ids, at); err != nil {
				return err
			}
			ids = nil
		}
	}
	return a.writeUsed(ctx, ids, at)
}

func (a *Accounts) writeUsed(ctx context.Context, ids []string, at map[string]time.Time) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	if err := a.reload(ctx); err != nil {
		return err
	}
	var rows []octaskly.Token
	for _, id := range ids {
		if t := a.book.tokens[id]; t != nil && at[id].After(t.UsedAt) {
			row := *t
			row.UsedAt = at[id]
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return a.write(ctx, &store.Records{Tokens: rows})
}
