package accounts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Tokens are the caller's, or with all everybody's, the latest first.
func (a *Accounts) Tokens(_ context.Context, who api.Caller, all bool, page api.Page) ([]api.Token, error) {
	of := who.Name
	if all {
		if err := allow(who, auth.AllTokens, "list the tokens of all users"); err != nil {
			return nil, err
		}
		of = ""
	} else if of == "" {
		return []api.Token{}, nil // nobody has none
	}
	tokens := a.book.listTokens(of)
	if page.After != "" {
		last, _ := a.book.token(page.After)
		if last == nil || !all && last.User != of {
			return nil, badField("after", "%.40q is the id of no token that is there; begin anew, without it", page.After)
		}
		tokens = slices.DeleteFunc(tokens, func(t *octaskly.Token) bool { return latestFirst(t, last) <= 0 })
	}
	slices.SortFunc(tokens, latestFirst)
	return described(tokens, page.Limit, a.describeToken), nil
}

func latestFirst(x, y *octaskly.Token) int {
	return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(x.ID, y.ID))
}

// described is what is told of the first rows of a list, of all where limit is 0.
func described[R, L any](rows []*R, limit int, describe func(*R) L) []L {
	if limit > 0 {
		rows = rows[:min(len(rows), limit)]
	}
	lines := make([]L, len(rows))
	for i, row := range rows {
		lines[i] = describe(row)
	}
	return lines
}

// RevokeToken ends a login or a machine token at once. One that ended before stays as it is.
func (a *Accounts) RevokeToken(ctx context.Context, who api.Caller, id string) (*api.Token, error) {
	var line api.Token
	err := a.alter(ctx, who, func() (*change, error) {
		t := a.book.tokens[id]
		mine := t != nil && t.User == who.Name && auth.Of(who.Role).Allows(auth.OwnTokens)
		if t == nil || !mine && !auth.Of(who.Role).Allows(auth.AllTokens) { // whose it is does not show
			return nil, fmt.Errorf("cannot revoke token %.40q: %w", id, octaskly.ErrNotFound)
		}
		c := &change{target: id, detail: tokenText(t)}
		line = a.describeToken(t)
		if t.RevokedAt.IsZero() {
			c.Tokens = ending([]*octaskly.Token{t}, clock())
			line = a.describeToken(&c.Tokens[0])
		}
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &line, nil
}

// describeToken tells what a token permits now.
func (a *Accounts) describeToken(t *octaskly.Token) api.Token {
	role := t.Role
	if u := a.book.user(t.User); u != nil {
		role = lesser(t, u)
	}
	return api.Token{
		ID: t.ID, Kind: t.Kind, User: t.User, Role: role, Name: t.Name, From: t.From, CreatedAt: t.CreatedAt,
		UsedAt: moment(t.UsedAt), ExpiresAt: t.ExpiresAt, RevokedAt: moment(t.RevokedAt),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
