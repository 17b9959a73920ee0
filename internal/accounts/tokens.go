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
func (a *Accounts) Tokens(_ context.Context, who api.Caller, all bool) ([]api.Token, error) {
	of := who.Name
	if all {
		if err := allow(who, auth.AllTokens, "list the tokens of all users"); err != nil {
			return nil, err
		}
		of = ""
	} else if of == "" {
		return []api.Token{}, nil // nobody has none
	}
	list := []api.Token{}
	for _, t := range a.book.listTokens(of) {
		list = append(list, describeToken(t))
	}
	slices.SortFunc(list, func(x, y api.Token) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	return list, nil
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
		line = describeToken(t)
		if t.RevokedAt.IsZero() {
			c.Tokens = ending([]*octaskly.Token{t}, clock())
			line = describeToken(&c.Tokens[0])
		}
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &line, nil
}

func describeToken(t *octaskly.Token) api.Token {
	return api.Token{
		ID: t.ID, Kind: t.Kind, User: t.User, Role: t.Role, Name: t.Name, From: t.From, CreatedAt: t.CreatedAt,
		UsedAt: moment(t.UsedAt), ExpiresAt: t.ExpiresAt, RevokedAt: moment(t.RevokedAt),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
