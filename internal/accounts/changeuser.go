package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// ChangeUser changes what the request says. A new password, a lesser role or disabling
// ends all logins of the user. Machine tokens stay: they permit what the user
// may, which is nothing while disabled.
func (a *Accounts) ChangeUser(ctx context.Context, who api.Caller, name string, how *api.UserChange) (*api.User, error) {
	if err := allow(who, auth.ManageUsers, "change a user"); err != nil {
		return nil, err
	}
	if err := checkChange(how); err != nil {
		return nil, err
	}
	if a.book.user(name) == nil {
		return nil, noUser("change", name)
	}
	var hash string
	var err error
	if how.Password != nil {
		if hash, err = a.hashed(ctx, *how.Password); err != nil {
			return nil, err
		}
	}
	var line api.User
	err = a.alter(ctx, who, func() (*change, error) {
		before := a.book.users[name]
		if before == nil {
			return nil, noUser("change", name)
		}
		after := changed(before, how, hash)
		line = describeUser(&after)
		return a.replaceUser(before, &after, how.Password != nil, ""), nil
	})
	if err != nil {
		return nil, err
	}
	return &line, nil
}

func checkChange(how *api.UserChange) error {
	if how.Role == "" && how.Password == nil && how.Disabled == nil && how.Quota == nil {
		return badField("role", "is missing, and so is all else that could change: password, disabled, quota")
	}
	if how.Role != "" {
		if err := checkRole(how.Role); err != nil {
			return err
		}
	}
	if how.Password != nil && *how.Password != "" {
		if err := checkPassword("password", *how.Password); err != nil {
			return err
		}
	}
	if how.Quota != nil {
		return checkQuota(octaskly.Quota(*how.Quota))
	}
	return nil
}

func changed(u *octaskly.User, how *api.UserChange, hash string) octaskly.User {
	after := *u
	if how.Role != "" {
		after.Role = how.Role
	}
	if how.Password != nil {
		after.Password = hash
	}
	if how.Disabled != nil {
		after.Disabled = *how.Disabled
	}
	if how.Quota != nil {
		after.Quota = octaskly.Quota(*how.Quota)
	}
	after.ChangedAt = clock()
	return after
}

// replaceUser writes a user anew, and ends the logins that must not go on, all but one.
func (a *Accounts) replaceUser(before, after *octaskly.User, password bool, but string) *change {
	c := &change{target: after.Name}
	c.Users = []octaskly.User{*after}
	said := differences(before, after, password)
	lowered := auth.Lesser(after.Role, before.Role) != before.Role
	if password || lowered || after.Disabled && !before.Disabled {
		logins := a.logins(after.Name)
		for i, t := range logins {
			if t.ID == but {
				logins = append(logins[:i], logins[i+1:]...)
				break
			}
		}
		c.Tokens = ending(logins, after.ChangedAt)
		said = append(said, fmt.Sprintf("%d logins ended", len(c.Tokens)))
	}
	c.detail = strings.Join(said, ", ")
	return c
}

// ChangePassword changes the caller's own, if the present one is known. All other
// logins of the user end; the one that asks goes on.
func (a *Accounts) ChangePassword(ctx context.Context, who api.Caller, how *api.PasswordChange) error {
	if a.book.user(who.Name) == nil {
		return noUser("change the password of", who.Name)
	}
	if err := checkPassword("new", how.New); err != nil {
		return err
	}
	if how.Present == "" {
		return badField("present", "is missing")
	}
	user, err := a.prove(ctx, "change the password", who.Name, who.From, how.Present)
	if errors.Is(err, errWrong) {
		return errPresent
	}
	if err != nil {
		return err
	}
	hash, err := a.hashed(ctx, how.New)
	if err != nil {
		return err
	}
	return a.alter(ctx, who, func() (*change, error) {
		before := a.unchanged(user)
		if before == nil {
			return nil, errPresent
		}
		return a.replaceUser(before, new(changed(before, &api.UserChange{Password: &how.New}, hash)), true, who.Token), nil
	})
}

var errPresent = badField("present", "is not the password")

// hashed is what to keep of a password: of none, nothing.
func (a *Accounts) hashed(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	hash, err := a.hash(ctx, password)
	if errors.Is(err, security.ErrBusy) {
		return "", tooSoon("cannot set the password: many are being checked", busyFor)
	}
	if err != nil {
		return "", fmt.Errorf("cannot set the password: %w", err)
	}
	return hash, nil
}
