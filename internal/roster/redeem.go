package roster

import (
	"bytes"
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// usedBy is the latest invite that an applicant has used, nil if there is none.
func (b *book) usedBy(a *joining.Application) (latest *octaskly.Invite) {
	hash := a.KeyHash()
	b.lock.RLock()
	defer b.lock.RUnlock()
	for _, v := range b.invites {
		if v.UsedBy == a.ID && bytes.Equal(v.UsedKey, hash[:]) && (latest == nil || v.UsedAt.After(latest.UsedAt)) {
			latest = v
		}
	}
	return latest
}

// Redeem implements joining.Desk.
func (r *Roster) Redeem(ctx context.Context, invite joining.InviteID, a *joining.Application) error {
	hash := a.KeyHash()
	return r.alter(ctx, api.Caller{}, func() (*change, error) {
		v, now := r.book.invite(invite.String()), clock()
		if v == nil {
			return nil, fmt.Errorf("this invite is not on record here; make another one: octasklyctl worker invite: %w", octaskly.ErrNotFound)
		}
		again := !v.UsedAt.IsZero() && bytes.Equal(v.UsedKey, hash[:]) && v.UsedBy == a.ID && v.RevokedAt.IsZero() && now.Before(v.ExpiresAt)
		switch {
		case again: // the answer may have been lost
			return nil, nil
		case !open(v, now):
			return nil, fmt.Errorf("this invite is %s; make another one: octasklyctl worker invite: %w", stateOf(v, now), octaskly.ErrGone)
		case v.Name != "" && v.Name != a.Name:
			return nil, fmt.Errorf("this invite is for worker %.64s: %w", v.Name, octaskly.ErrDenied)
		}
		used := *v
		used.UsedBy, used.UsedKey, used.UsedAt = a.ID, hash[:], now
		c := &change{}
		c.Invites = []octaskly.Invite{used}
		return c, nil
	})
}
