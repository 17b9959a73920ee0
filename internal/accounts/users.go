package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Users lists all users by name.
func (a *Accounts) Users(_ context.Context, who api.Caller) ([]api.User, error) {
	if err := allow(who, auth.ManageUsers, "list users"); err != nil {
		return nil, err
	}
	list := []api.User{}
	for _, u := range a.book.listUsers() {
		list = append(list, describeUser(u))
	}
	slices.SortFunc(list, func(x, y api.User) int { return strings.Compare(x.Name, y.Name) })
	return list, nil
}

// User tells of one: an admin of any, others of themselves.
func (a *Accounts) User(_ context.Context, who api.Caller, name string) (*api.User, error) {
	if name != who.Name || name == "" {
		if err := allow(who, auth.ManageUsers, "show another user"); err != nil {
			return nil, err
		}
	}
	u := a.book.user(name)
	if u == nil {
		return nil, noUser("show", name)
	}
	line := describeUser(u)
	return &line, nil
}

func noUser(what, name string) error {
	return fmt.Errorf("cannot %s user %.140q: the dispatcher knows nobody of that name: %w", what, name, octaskly.ErrNotFound)
}

// CreateUser makes a user. Without a password, only tokens let him in.
func (a *Accounts) CreateUser(ctx context.Context, who api.Caller, how *api.NewUser) (*api.User, error) {
	if err := allow(who, auth.ManageUsers, "create a user"); err != nil {
		return nil, err
	}
	u, err := newUser(how)
	if err != nil {
		return nil, err
	}
	if a.book.user(u.Name) != nil { // before the password costs anything
		return nil, taken(u.Name)
	}
	if u.Password, err = a.hashed(ctx, how.Password); err != nil {
		return nil, err
	}
	err = a.alter(ctx, who, func() (*change, error) {
		if a.book.users[u.Name] != nil {
			return nil, taken(u.Name)
		}
		if len(a.book.users) >= maxUsers {
			return nil, fmt.Errorf("cannot create user %q: there are %d, which is the most: %w", u.Name, maxUsers, octaskly.ErrFull)
		}
		u.CreatedAt = clock()
		u.ChangedAt = u.CreatedAt
		c := &change{target: u.Name, detail: created(u)}
		c.Users = []octaskly.User{*u}
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	line := describeUser(u)
	return &line, nil
}

func newUser(how *api.NewUser) (*octaskly.User, error) {
	u := &octaskly.User{Name: how.Name, Role: how.Role, Quota: octaskly.Quota(how.Quota)}
	if u.Role == "" {
		u.Role = octaskly.RoleClient
	}
	if err := checkName(u.Name); err != nil {
		return nil, err
	}
	if err := checkRole(u.Role); err != nil {
		return nil, err
	}
	if how.Password != "" {
		if err := checkPassword("password", how.Password); err != nil {
			return nil, err
		}
	}
	return u, checkQuota(u.Quota)
}

func taken(name string) error {
	return fmt.Errorf("cannot create user %q: that name is taken (octasklyctl user set changes the user): %w", name, octaskly.ErrConflict)
}

// RemoveUser forgets a user, and all tokens. What the user owns stays.
func (a *Accounts) RemoveUser(ctx context.Context, who api.Caller, name string) (*api.User, error) {
	if err := allow(who, auth.ManageUsers, "remove a user"); err != nil {
		return nil, err
	}
	var line api.User
	err := a.alter(ctx, who, func() (*change, error) {
		u := a.book.users[name]
		if u == nil {
			return nil, noUser("remove", name)
		}
		line = describeUser(u)
		c := &change{target: name}
		c.RemovedUsers = []string{name} // with all tokens, see book.apply
		c.detail = fmt.Sprintf("was a %s; %d tokens went, too", u.Role, len(a.book.owned[name]))
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return &line, nil
}

func describeUser(u *octaskly.User) api.User {
	return api.User{
		Name: u.Name, Role: u.Role, Disabled: u.Disabled, Password: u.Password != "", Quota: api.Quota(u.Quota),
		CreatedAt: u.CreatedAt, ChangedAt: u.ChangedAt,
	}
}
