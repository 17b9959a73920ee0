package accounts

import (
	"context"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	accessLife  = 15 * time.Minute
	sessionLife = 30 * 24 * time.Hour // after the last refresh
	maxLogins   = 100                 // of one user that go on
)

// openSession makes a login of a user whose password was right.
func (a *Accounts) openSession(ctx context.Context, from string, checked *octaskly.User) (session *api.Session, err error) {
	err = a.alter(ctx, api.Caller{}, func() (*change, error) {
		user := a.unchanged(checked)
		if user == nil {
			return nil, errLogin
		}
		now := clock()
		t := octaskly.Token{
			ID: newID(), Kind: octaskly.LoginToken, User: user.Name, Role: user.Role, From: clip(from, maxWho),
			CreatedAt: now, UsedAt: now,
		}
		c := &change{}
		c.Tokens = a.makeRoom(user.Name, now)
		c.RemovedTokens = a.surplus(user.Name, now)
		session, err = a.renew(c, t, user, now, now.Add(sessionLife))
		return c, err
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// renew gives a login its next refresh token and an access token.
func (a *Accounts) renew(c *change, t octaskly.Token, user *octaskly.User, now, ends time.Time) (*api.Session, error) {
	refresh, sum := a.secrets.create(t.ID)
	t.Secret, t.ExpiresAt = sum, ends
	expires := now.Add(accessLife).Truncate(time.Second) // as exactly as the token says it
	role := lesser(&t, user)
	access, err := a.sign(&t, role, now, expires)
	if err != nil {
		return nil, err
	}
	c.Tokens = append(c.Tokens, t)
	return &api.Session{Access: access, ExpiresAt: expires, Refresh: refresh, EndsAt: ends, User: user.Name, Role: role}, nil
}

// makeRoom ends the logins of a user that leave no room for one more: those that were
// refreshed the longest ago, which end first anyway.
func (a *Accounts) makeRoom(user string, now time.Time) []octaskly.Token {
	logins := slices.DeleteFunc(a.logins(user), func(t *octaskly.Token) bool { return !live(t, now) })
	slices.SortFunc(logins, func(x, y *octaskly.Token) int { return x.ExpiresAt.Compare(y.ExpiresAt) })
	return ending(logins[:max(0, len(logins)-maxLogins+1)], now)
}

// logins are those of a user, or with "" of all, that were not revoked. For the holder of a.changing.
func (a *Accounts) logins(user string) (logins []*octaskly.Token) {
	from := a.book.tokens
	if user != "" {
		from = a.book.owned[user]
	}
	for _, t := range from {
		if t.Kind == octaskly.LoginToken && t.RevokedAt.IsZero() {
			logins = append(logins, t)
		}
	}
	return logins
}

// ending is what tokens are once they are revoked. Nobody needs their secrets then.
func ending(tokens []*octaskly.Token, now time.Time) (rows []octaskly.Token) {
	for _, t := range tokens {
		row := *t
		row.RevokedAt, row.Secret, row.Former = now, nil, nil
		rows = append(rows, row)
	}
	return rows
}
