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

// Users lists users by name.
func (a *Accounts) Users(_ context.Context, who api.Caller, page api.Page) ([]api.User, error) {
	if err := allow(who, auth.ManageUsers, "list users"); err != nil {
		return nil, err
	}
	users := slices.DeleteFunc(a.book.listUsers(), func(u *octaskly.User) bool { return u.Name <= page.After && page.After != "" })
	slices.SortFunc(users, func(x, y *octaskly.User) int { return strings.Compare(x.Name, y.Name) })
	return described(users, page.Limit, describeUser), nil
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
	if err := vacant(u.Name, a.book.listUsers()); err != nil { // before the password costs anything
		return nil, err
	}
	if u.Password, err = a.hashed(ctx, how.Password); err != nil {
		return nil, err
	}
	jobs, err := a.jobsOf(ctx, u.Name)
	if err != nil {
		return nil, err
	}
	err = a.alter(ctx, who, func() (*change, error) {
		if err := vacant(u.Name, a.book.listUsers()); err != nil {
			return nil, err
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
	line.Jobs = jobs
	return &line, nil
}

// jobsOf counts what a name owns, whoever has it.
func (a *Accounts) jobsOf(ctx context.Context, name string) (int64, error) {
	n, err := a.store.JobsOf(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("cannot count the jobs of %q: %w", name, err)
	}
	return n, nil
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

// vacant refuses a name that somebody has, or one that differs from it only in case.
func vacant(name string, users []*octaskly.User) error {
	for _, u := range users {
		switch {
		case u.Name == name:
			return taken(name)
		case strings.EqualFold(u.Name, name):
			return badField("name", "%q differs from user %q only in case", name, u.Name)
		}
	}
	return nil
}

func taken(name string) error {
	return fmt.Errorf("cannot create user %q: that name is taken (octasklyctl user set changes the user): %w", name, octaskly.ErrConflict)
}

// RemoveUser forgets a user, and all tokens. What the user owns stays.
func (a *Accounts) RemoveUser(ctx context.Context, who api.Caller, name string) (*api.User, error) {
	if err := allow(who, auth.ManageUsers, "remove a user"); err != nil {
		return nil, err
	}
	jobs, err := a.jobsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	var line api.User
	err = a.alter(ctx, who, func() (*change, error) {
		u := a.book.users[name]
		if u == nil {
			return nil, noUser("remove", name)
		}
		line = describeUser(u)
		line.Jobs = jobs
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
