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
	maxMachines = 200                 // of one user that are good
)

// CreateToken makes an access token for a program, which is good until it expires or is
// revoked. It permits no more than its maker may, nor its user. A machine token makes no
// others: they would outlive it, and whoever has stolen it would have as many as he likes.
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
	if maker := a.book.tokens[who.Token]; maker != nil && maker.Kind == octaskly.MachineToken {
		return nil, nil, errMachine
	}
	user, err := a.tokenUser(who, how)
	if err != nil {
		return nil, nil, err
	}
	role, err := tokenRole(who, user, how)
	if err != nil {
		return nil, nil, err
	}
	expires := now.Add(machineLife)
	if how.Expires != nil {
		expires = now.Add(time.Duration(*how.Expires))
	}
	if err := a.countMachines(user, now); err != nil {
		return nil, nil, err
	}
	t := octaskly.Token{
		ID: newID(), Kind: octaskly.MachineToken, User: user.Name, Role: role, Name: how.Name, From: clip(who.From, maxWho),
		CreatedAt: a.dated(now), ExpiresAt: expires,
	}
	secret, err := a.sign(&t, role, now, roundUp(expires))
	if err != nil {
		return nil, nil, err
	}
	c := &change{target: t.ID, detail: tokenText(&t)}
	c.Tokens = []octaskly.Token{t}
	c.RemovedTokens = a.surplus(user.Name, now)
	return c, &api.CreatedToken{Token: a.describeToken(&t), Secret: secret}, nil
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
		return nil, badField("user", "the dispatcher knows nobody called %.140q (octasklyctl user add, or name another user)", name)
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

var errMachine = fmt.Errorf("cannot create a token by a machine token, which would outlive it: log in (octasklyctl login), or have the operator make it on the dispatcher's socket: %w", octaskly.ErrDenied)

// roundUp makes whole seconds, which is all that a token can say. Its row, which each
// request looks at, has its end exactly.
func roundUp(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

func (a *Accounts) countMachines(user *octaskly.User, now time.Time) error {
	n := 0
	for _, t := range a.book.owned[user.Name] {
		if t.Kind == octaskly.MachineToken && live(t, now) {
			n++
		}
	}
	if n >= maxMachines {
		return fmt.Errorf("cannot create a token for %q: %d machine tokens of this user are good, and %d may be (octasklyctl token revoke ends one): %w", user.Name, n, maxMachines, octaskly.ErrFull)
	}
	return nil
}
