package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// grace is how long after a refresh the former secret is good once more: the answer
// may have been lost on its way. What that said is good no longer then.
const grace = 10 * time.Second

// errRefresh is the same whatever is wrong.
var errRefresh = fmt.Errorf("cannot refresh: the session is over, or that is not its refresh token (log in: octasklyctl login): %w", octaskly.ErrUnknown)

// errTheft says inside of this package that a session has to end.
var errTheft = errors.New("a former refresh token")

// Refresh renews a session. Each refresh token is good once. The use of an earlier one,
// however old, means that two have had it, one of whom has stolen it: the session ends.
func (a *Accounts) Refresh(ctx context.Context, from string, how *api.RefreshRequest) (session *api.Session, err error) {
	shown, ok := a.secrets.parse(how.Token)
	if !ok {
		return nil, errRefresh
	}
	stolen := false
	err = a.alter(ctx, api.Caller{}, func() (*change, error) {
		now := clock()
		t := a.book.tokens[shown.id]
		row, ends, err := judge(t, a.userOf(t), shown, now)
		c := &change{}
		if err == errTheft {
			stolen = true
			a.end(c, t, from, now)
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		row.From = clip(from, maxWho)
		session, err = a.renew(c, row, a.userOf(t), now, ends)
		return c, err
	})
	switch {
	case err != nil:
		return nil, err
	case stolen:
		return nil, errRefresh
	}
	return session, nil
}

// judge says from which row a refreshed session goes on, and until when. A secret that
// the session never had is no sign of theft: whoever sees a token's id could end it
// with that. One with our seal it has had.
//
// A session ends sessionLife after its last refresh, which says when that was. The
// refresh within the grace does not move that end: what follows is still counted from the
// first use of the secret. It replaces the successor that the first use was answered
// with, so that two who share a secret do not both go on; a third use is answered
// with nothing, as the first and the second may both have been lost.
func judge(t *octaskly.Token, u *octaskly.User, shown secret, now time.Time) (row octaskly.Token, ends time.Time, err error) {
	if !good(t, u, now) || t.Kind != octaskly.LoginToken {
		return row, ends, errRefresh
	}
	row = *t
	refreshed := t.ExpiresAt.Add(-sessionLife)
	former := matches(t.Former, shown.sum)
	switch {
	case matches(t.Secret, shown.sum):
		row.Former, row.UsedAt = t.Secret, now
		return row, now.Add(sessionLife), nil
	case former && now.Sub(refreshed).Abs() > grace:
		return row, ends, errTheft
	case former && t.UsedAt.After(refreshed): // uses are noted a minute apart: this is a refresh
		return row, ends, errRefresh
	case former:
		row.UsedAt = later(now, refreshed.Add(time.Microsecond))
		return row, t.ExpiresAt, nil
	case shown.ours:
		return row, ends, errTheft
	}
	return row, ends, errRefresh
}

// end revokes a session whose refresh token two have.
func (a *Accounts) end(c *change, t *octaskly.Token, from string, now time.Time) {
	c.Tokens = ending([]*octaskly.Token{t}, now)
	c.Actions = []octaskly.Action{tidy(octaskly.Action{
		At: now, Who: t.User, Role: t.Role, Token: t.ID, From: from, What: "session.refresh", Target: t.ID, Outcome: "theft",
		Detail: "a refresh token was used that had been used before: the session was ended",
	})}
	a.log.Warn("a refresh token was used twice: its session was ended", "user", t.User, "session", t.ID, "from", clip(from, maxWho))
}

// userOf is nil where there is none. For the holder of a.changing.
func (a *Accounts) userOf(t *octaskly.Token) *octaskly.User {
	if t == nil {
		return nil
	}
	return a.book.users[t.User]
}

// Logout ends the session that the caller's token belongs to.
func (a *Accounts) Logout(ctx context.Context, who api.Caller) error {
	return a.alter(ctx, who, func() (*change, error) {
		t := a.book.tokens[who.Token]
		if t == nil || t.Kind != octaskly.LoginToken {
			return nil, fmt.Errorf("cannot log out: you have not come by a login (a machine token is revoked by octasklyctl token revoke): %w", octaskly.ErrConflict)
		}
		c := &change{target: t.ID}
		if t.RevokedAt.IsZero() {
			c.Tokens = ending([]*octaskly.Token{t}, clock())
		}
		return c, nil
	})
}
