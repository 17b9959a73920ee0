package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// errLogin is the same for a wrong password, a name that nobody has, a user who is
// disabled and one who has no password.
var errLogin = fmt.Errorf("cannot log in: the name or the password is wrong: %w", octaskly.ErrUnknown)

// busyFor is when to try again where too many passwords are being checked.
const busyFor = 2 * time.Second

// Login opens a session for who knows a user's password.
func (a *Accounts) Login(ctx context.Context, from string, how *api.LoginRequest) (*api.Session, error) {
	if err := checkLogin(how); err != nil {
		return nil, err
	}
	user, err := a.prove(ctx, "log in", how.User, from, how.Password)
	if errors.Is(err, errWrong) {
		return nil, errLogin
	}
	if err != nil {
		return nil, err
	}
	return a.openSession(ctx, from, user)
}

func checkLogin(how *api.LoginRequest) error {
	switch {
	case how.User == "":
		return badField("user", "is missing")
	case len(how.User) > maxName:
		return badField("user", "has %d bytes, want at most %d", len(how.User), maxName)
	case how.Password == "":
		return badField("password", "is missing")
	case len(how.Password) > security.MaxPassword:
		return badField("password", "has %d bytes, want at most %d", len(how.Password), security.MaxPassword)
	}
	return nil
}

// errWrong says that it was not the password, or that there is none to know.
var errWrong = errors.New("wrong")

// prove checks a password, and slows down whoever guesses. Time tells nothing of
// the user: for one who is not there or has no password, CheckPassword takes as long as
// for one who has, and the throttle counts them alike. One whose password was
// hashed with other parameters than new ones differs, until it is set again.
func (a *Accounts) prove(ctx context.Context, what, name, from, password string) (*octaskly.User, error) {
	try, after := a.throttle.Begin(name, from, time.Now())
	if after > 0 {
		return nil, tooSoon(fmt.Sprintf("cannot %s: it failed before, or others are trying", what), after)
	}
	defer func() { try.Dropped(time.Now()) }() // does nothing after the other two
	user, hash := a.book.user(name), ""
	if user != nil {
		hash = user.Password
	}
	ok, err := a.check(ctx, hash, password)
	if errors.Is(err, security.ErrBusy) {
		return nil, tooSoon(fmt.Sprintf("cannot %s: many passwords are being checked", what), busyFor)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w", what, err)
	}
	if !ok || user == nil || user.Disabled {
		try.Failed(time.Now())
		return nil, errWrong
	}
	try.Succeeded(time.Now())
	return user, nil
}

func tooSoon(why string, after time.Duration) error {
	soon := &api.TooSoon{After: after}
	soon.Why = fmt.Sprintf("%s; try again in %v", why, soon.Wait())
	return soon
}

// unchanged is the user, if nothing has changed since the password was checked that
// would make it another answer. For the holder of a.changing.
func (a *Accounts) unchanged(checked *octaskly.User) *octaskly.User {
	user := a.book.users[checked.Name]
	if user == nil || user.Disabled || user.Password != checked.Password || !user.CreatedAt.Equal(checked.CreatedAt) {
		return nil
	}
	return user
}

// sign makes an access token that is good until expires, or its row ends.
func (a *Accounts) sign(t *octaskly.Token, role octaskly.Role, now, expires time.Time) (string, error) {
	return a.ring.Sign(auth.Claims{
		Subject: t.User, Role: role, Session: t.ID, ID: newID(),
		IssuedAt: now, NotBefore: now, ExpiresAt: expires,
	})
}
