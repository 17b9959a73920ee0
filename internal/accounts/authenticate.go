package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// maxAccess bounds, in bytes, what is looked at as an access token.
const maxAccess = 4096

// errAccess is the same whatever is wrong: a thief learns nothing of it.
var errAccess = fmt.Errorf("cannot know you by that access token: it is not valid, has expired or was revoked (log in: octasklyctl login): %w", octaskly.ErrUnknown)

// Authenticate knows whose access token that is. It reads nothing from disk.
func (a *Accounts) Authenticate(_ context.Context, token string) (*api.Identity, error) {
	if len(token) > maxAccess {
		return nil, errAccess
	}
	now := clock()
	claims := a.claims(token, now)
	if claims == nil {
		return nil, errAccess
	}
	row, user := a.book.token(claims.Session)
	if !good(row, user, now) || row.User != claims.Subject {
		return nil, errAccess
	}
	if now.Sub(row.UsedAt) >= usesEvery {
		a.uses.note(row.ID, now)
	}
	return &api.Identity{User: user.Name, Role: lesser(row, user), Token: row.ID}, nil
}

// Standing tells who follows a stream, which his access token may not outlive, when to
// ask again: the login or machine token that it was made for counts.
func (a *Accounts) Standing(who api.Caller) (changed <-chan struct{}, until time.Time, err error) {
	changed = a.book.bell(who.Name) // before it is looked: nothing is missed
	row, user := a.book.token(who.Token)
	if !good(row, user, clock()) || row.User != who.Name || lesser(row, user) != who.Role {
		return nil, time.Time{}, errAccess
	}
	return changed, row.ExpiresAt, nil
}

// claims of a token whose signature is ours and whose time it is; else nil.
func (a *Accounts) claims(token string, now time.Time) *auth.Claims {
	sum := sumOf(token)
	if claims := a.seen.get(sum, now); claims != nil {
		return claims
	}
	claims, err := a.ring.Verify(token, now)
	if err != nil {
		return nil
	}
	a.seen.put(sum, claims)
	return claims
}

// good reports whether somebody may come in by a token.
func good(t *octaskly.Token, u *octaskly.User, now time.Time) bool {
	return t != nil && u != nil && live(t, now) && !u.Disabled
}

// live reports whether a token has not ended.
func live(t *octaskly.Token, now time.Time) bool {
	return t.RevokedAt.IsZero() && now.Before(t.ExpiresAt)
}

// ended is when a token ended, or will.
func ended(t *octaskly.Token) time.Time {
	if !t.RevokedAt.IsZero() && t.RevokedAt.Before(t.ExpiresAt) {
		return t.RevokedAt
	}
	return t.ExpiresAt
}

// lesser is what a token permits: never more than its user may now.
func lesser(t *octaskly.Token, u *octaskly.User) octaskly.Role { return auth.Lesser(t.Role, u.Role) }
