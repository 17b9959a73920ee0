package accounts

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	day         = 24 * time.Hour
	machineLife = 90 * day
	maxLife     = octaskly.MaxTimeout // ten years
	maxMachines = 1000                // of one user that are good
)

// CreateToken makes an access token for a program, which is good until it expires or is
// revoked. It permits no more than its maker may, nor its user; and one that was
// made by a machine token does not outlive that.
func (a *Accounts) CreateToken(ctx context.Context, who api.Caller, how *api.NewToken) (*api.CreatedToken, error) {
	if err := allow(who, auth.OwnTokens, "create a token"); err != nil {
		return nil, err
	}
	if err := checkToken(how); err != nil {
		return nil, err
	}
	var made *api.CreatedToken
	err := a.alter(ctx, who, func() (c *change, err error) {
		c, made, err = a.planToken(who, how)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func checkToken(how *api.NewToken) error {
	switch {
	case len(how.Name) > maxTokenName:
		return badField("name", "has %d bytes, want at most %d", len(how.Name), maxTokenName)
	case !utf8.ValidString(how.Name) || strings.ContainsFunc(how.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return badField("name", "has something that cannot be printed")
	case how.Expires != nil && time.Duration(*how.Expires) < time.Second:
		return badField("expires_in", "is less than a second")
	case how.Expires != nil && time.Duration(*how.Expires) > maxLife:
		return badField("expires_in", "is more than ten years")
	}
	if how.Role != "" {
		return checkRole(how.Role)
	}
	return nil
}

// planToken signs the token; it is given away only when it is on disk.
func (a *Accounts) planToken(who api.Caller, how *api.NewToken) (*change, *api.CreatedToken, error) {
	now := clock()
	user, err := a.tokenUser(who, how)
	if err != nil {
		return nil, nil, err
	}
	role, err := tokenRole(who, user, how)
	if err != nil {
		return nil, nil, err
	}
	expires, err := a.tokenEnd(who, how, now)
	if err != nil {
		return nil, nil, err
	}
	if err := a.countMachines(user, now); err != nil {
		return nil, nil, err
	}
	t := octaskly.Token{
		ID: newID(), Kind: octaskly.MachineToken, User: user.Name, Role: role, Name: how.Name, From: clip(who.From, maxWho),
		CreatedAt: a.dated(now), ExpiresAt: expires,
	}
	secret, err := a.sign(&t, role, now, expires)
	if err != nil {
		return nil, nil, err
	}
	c := &change{target: t.ID, detail: tokenText(&t)}
	c.Tokens = []octaskly.Token{t}
	c.RemovedTokens = a.surplus(user.Name, now)
	return c, &api.CreatedToken{Token: describeToken(&t), Secret: secret}, nil
}

// tokenUser is whom the token is for.
func (a *Accounts) tokenUser(who api.Caller, how *api.NewToken) (*octaskly.User, error) {
	name := how.User
	if name == "" {
		name = who.Name
	}
	if name != who.Name {
		if err := allow(who, auth.AllTokens, "create a token for another user"); err != nil {
			return nil, err
		}
	}
	user := a.book.users[name]
	switch {
	case user == nil:
		return nil, badField("user", "the dispatcher knows nobody called %.140q (octasklyctl user create, or name another user)", name)
	case user.Disabled:
		return nil, fmt.Errorf("cannot create a token for %q: the user is disabled: %w", name, octaskly.ErrConflict)
	}
	return user, nil
}

func tokenRole(who api.Caller, user *octaskly.User, how *api.NewToken) (octaskly.Role, error) {
	most := auth.Lesser(user.Role, who.Role)
	if how.Role == "" {
		return most, nil
	}
	if auth.Lesser(how.Role, most) != how.Role {
		return "", badField("role", "%s is more than %s, which is the most for a token that you make for %s", how.Role, most, user.Name)
	}
	return how.Role, nil
}

func (a *Accounts) tokenEnd(who api.Caller, how *api.NewToken, now time.Time) (time.Time, error) {
	life := machineLife
	if how.Expires != nil {
		life = time.Duration(*how.Expires)
	}
	expires := now.Add(life).Truncate(time.Second) // as exactly as the token says it
	maker := a.book.tokens[who.Token]
	if maker == nil || maker.Kind != octaskly.MachineToken || !expires.After(maker.ExpiresAt) {
		return expires, nil
	}
	if how.Expires != nil {
		return time.Time{}, badField("expires_in", "is after %s, when the token ends that you have come by", maker.ExpiresAt.Format(time.RFC3339))
	}
	return maker.ExpiresAt, nil
}

func (a *Accounts) countMachines(user *octaskly.User, now time.Time) error {
	n := 0
	for _, t := range a.book.owned[user.Name] {
		if t.Kind == octaskly.MachineToken && live(t, now) {
			n++
		}
	}
	if n >= maxMachines {
		return fmt.Errorf("cannot create a token for %q: there are %d, which is the most (octasklyctl token revoke): %w", user.Name, n, octaskly.ErrFull)
	}
	return nil
}
