package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

func (r *rig) try(user, from, password string) (*api.Session, error) {
	return r.Login(r.t.Context(), from, &api.LoginRequest{User: user, Password: password})
}

// Whatever is wrong, the answer is the same, and so is the work that it takes.
func TestLoginTellsNothing(t *testing.T) {
	tests := map[string]struct{ user, password, hash string }{
		"wrong password": {"ann", "not the password", cheap(password)},
		"unknown":        {"nobody", password, ""},
		"no password":    {"tokens", password, ""},
		"empty hash":     {"tokens", cheap(""), ""},
		"disabled":       {"gone", password, cheap(password)},
		"odd name":       {"@x/y z", password, ""},
		"other case":     {"ANN", password, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) { r.loginTellsNothing(test.user, test.password, test.hash) })
		})
	}
	const want = "cannot log in: the name or the password is wrong: not known"
	if errLogin.Error() != want {
		t.Errorf("it says %q", errLogin)
	}
}

func (r *rig) loginTellsNothing(user, password, hash string) {
	r.user("ann", octaskly.RoleClient)
	r.user("gone", octaskly.RoleClient)
	_, err := r.CreateUser(r.t.Context(), root, &api.NewUser{Name: "tokens"})
	r.must(err)
	_, err = r.ChangeUser(r.t.Context(), root, "gone", &api.UserChange{Disabled: new(true)})
	r.must(err)
	var checked []string
	check := r.Accounts.check
	r.Accounts.check = func(ctx context.Context, hash, password string) (bool, error) {
		checked = append(checked, hash)
		return check(ctx, hash, password)
	}
	if _, err = r.try(user, "192.0.2.1", password); err != errLogin {
		r.t.Errorf("error is %v", err)
	}
	if !slices.Equal(checked, []string{hash}) {
		r.t.Errorf("checked were %q", checked)
	}
	soon := &api.TooSoon{}
	if _, err = r.try(user, "192.0.2.1", password); !errors.As(err, &soon) || soon.After <= 0 {
		r.t.Errorf("the next is %v", err)
	}
}

func TestLoginInput(t *testing.T) {
	r := newRig(t)
	long := string(make([]byte, 1025))
	for field, how := range map[string]*api.LoginRequest{
		"user":     {Password: password},
		"password": {User: "ann"},
	} {
		_, err := r.Login(t.Context(), "x", how)
		r.field(err, field)
	}
	_, err := r.try(long, "x", password)
	r.field(err, "user")
	_, err = r.try("ann", "x", long)
	r.field(err, "password")
}

// Guessing slows down whoever guesses, and locks nobody out.
func TestGuessing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		for i := range 7 {
			if _, err := r.try("ann", "192.0.2.9", "wrong password"); err != errLogin {
				t.Fatal(err)
			}
			_, err := r.try("ann", "192.0.2.9", password)
			soon, ok := errors.AsType[*api.TooSoon](err)
			if want := min(time.Second<<i, time.Minute); !ok || soon.After != want || !errors.Is(err, octaskly.ErrFull) {
				t.Fatalf("after %d failures: %v, want %v", i+1, err, want)
			}
			_, err = r.try("ann", "192.0.2.1", password)
			r.must(err)
			time.Sleep(soon.After)
		}
		_, err := r.try("ann", "192.0.2.9", password)
		r.must(err)
	})
}

// Whoever waits for as long as he is told in whole seconds is let in.
func TestTooSoonSuffices(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		for i := range 40 {
			if _, err := r.try("ann", "192.0.2.9", "wrong password"); err != errLogin {
				t.Fatalf("try %d: %v", i, err)
			}
			time.Sleep(time.Duration(i*37%100) * 10 * time.Millisecond)
			_, err := r.try("ann", "192.0.2.9", password)
			soon, ok := errors.AsType[*api.TooSoon](err)
			if !ok || soon.Wait() < soon.After || soon.Wait() >= soon.After+time.Second || soon.Wait()%time.Second != 0 {
				t.Fatalf("try %d: %v", i, err)
			}
			if want := fmt.Sprintf("try again in %v", soon.Wait()); !strings.HasSuffix(err.Error(), want) {
				t.Fatalf("it says %q, want %q", err, want)
			}
			time.Sleep(soon.Wait())
		}
		_, err := r.try("ann", "192.0.2.9", password)
		r.must(err)
	})
}

// One address does not take all the room there is for passwords to be checked.
func TestOneAddressLeavesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.user("ann", octaskly.RoleClient)
		r.user("bob", octaskly.RoleClient)
		release, check, waiting := make(chan struct{}), r.Accounts.check, 0
		r.Accounts.check = func(ctx context.Context, hash, password string) (bool, error) {
			if password == "slow" {
				waiting++
				<-release
			}
			return check(ctx, hash, password)
		}
		var parts sync.WaitGroup
		for i := range 200 {
			parts.Go(func() { r.try(fmt.Sprint("user", i), "192.0.2.9", "slow") })
			synctest.Wait()
		}
		if waiting < 8 || waiting > 32 {
			t.Errorf("%d passwords of one address are being checked", waiting)
		}
		_, err := r.try("ann", "192.0.2.9", password)
		r.refused(err, octaskly.ErrFull)
		r.login("bob") // from another
		close(release)
		parts.Wait()
		_, err = r.try("ann", "192.0.2.9", password)
		r.must(err)
	})
}

func TestLoginBusy(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	check := r.Accounts.check
	for _, fails := range []error{security.ErrBusy, context.Canceled} {
		r.Accounts.check = func(context.Context, string, string) (bool, error) { return false, fails }
		_, err := r.try("ann", "192.0.2.1", password)
		if _, soon := errors.AsType[*api.TooSoon](err); soon != (fails == security.ErrBusy) || errors.Is(err, octaskly.ErrUnknown) {
			t.Errorf("%v: %v", fails, err)
		}
	}
	r.Accounts.check = check
	r.login("ann") // neither was a failure
}

// What changes while a password is checked counts.
func TestLoginIsLate(t *testing.T) {
	changes := map[string]func(*rig) error{
		"disabled": func(r *rig) error {
			_, err := r.ChangeUser(r.t.Context(), root, "ann", &api.UserChange{Disabled: new(true)})
			return err
		},
		"other password": func(r *rig) error {
			_, err := r.ChangeUser(r.t.Context(), root, "ann", &api.UserChange{Password: new("another password")})
			return err
		},
		"removed": func(r *rig) error {
			_, err := r.RemoveUser(r.t.Context(), root, "ann")
			return err
		},
	}
	for name, alter := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.user("ann", octaskly.RoleClient)
			check := r.Accounts.check
			r.Accounts.check = func(ctx context.Context, hash, password string) (bool, error) {
				ok, err := check(ctx, hash, password)
				r.must(alter(r))
				return ok, err
			}
			if _, err := r.try("ann", "192.0.2.1", password); err != errLogin {
				t.Errorf("error is %v", err)
			}
			if _, n, _, _ := r.store.size(); n != 0 {
				t.Errorf("%d sessions were opened", n)
			}
		})
	}
}

// The session that was refreshed the longest ago makes room, and those that have ended
// do not fill anything.
func TestManyLogins(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		first, second := r.login("ann"), r.login("ann")
		time.Sleep(time.Second)
		for range maxLogins - 2 {
			r.login("ann")
		}
		time.Sleep(time.Second)
		first, err := r.refresh(first.Refresh)
		r.must(err)
		third := r.login("ann")
		r.stays(second.Access)
		r.enters(first.Access, octaskly.RoleClient)
		for range 3 * maxLogins {
			time.Sleep(time.Millisecond)
			r.login("ann")
		}
		r.stays(third.Access)
		if _, n, _, _ := r.store.size(); n > maxLogins+maxEnded+1 {
			t.Errorf("there are %d rows", n)
		}
		if n := len(r.logins("ann")); n != maxLogins {
			t.Errorf("%d sessions go on", n)
		}
	})
}

func TestLoginRace(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	var parts sync.WaitGroup
	for i := range 2 * maxLogins {
		parts.Go(func() {
			_, err := r.try("ann", string(rune('a'+i)), password)
			if err != nil {
				t.Error(err)
			}
		})
	}
	parts.Wait()
	if n := len(r.logins("ann")); n != maxLogins {
		t.Errorf("%d sessions go on", n)
	}
}
