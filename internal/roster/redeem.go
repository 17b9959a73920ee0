package roster

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

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
		case r.book.isAnothers(a, now):
			return nil, fmt.Errorf("worker id %[1]s has a certificate for another key; if this is that machine, made anew, first type: octasklyctl worker remove %[1]s && octasklyctl worker approve %[1]s: %[2]w", a.ID, octaskly.ErrConflict)
		case v.Name == "" && r.book.hasName(a, now):
			return nil, fmt.Errorf("another worker has the name %.64s; if that machine is gone: octasklyctl worker remove %[1]s, or invite this one by its name: octasklyctl worker invite --name %[1]s: %[2]w", a.Name, octaskly.ErrConflict)
		}
		used := *v
		used.UsedBy, used.UsedKey, used.UsedAt = a.ID, hash[:], now
		c := &change{}
		c.Invites = []octaskly.Invite{used}
		return c, nil
	})
}

// isAnothers reports whether the id that an applicant calls its own is that of a worker
// with another key. Ids are no secret, and an invite is for one more worker, not for
// the place of one that is there. (Who has the fleet key may be anybody, by octaskly/1.)
func (b *book) isAnothers(a *joining.Application, now time.Time) bool {
	hash := a.KeyHash()
	return slices.ContainsFunc(b.identitiesOf(a.ID), func(i *octaskly.Identity) bool {
		return good(i, now) && !bytes.Equal(i.Key, hash[:])
	})
}

// hasName reports whether a worker other than the applicant has a certificate of its name.
func (b *book) hasName(a *joining.Application, now time.Time) bool {
	return slices.ContainsFunc(b.allIdentities(), func(i *octaskly.Identity) bool {
		return i.Name == a.Name && i.Worker != a.ID && good(i, now)
	})
}
