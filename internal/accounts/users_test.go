package accounts

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

func TestNames(t *testing.T) {
	for _, name := range []string{"ann", "a", "ann@example.org", "Joerg", "x.y-z_1", "a@", strings.Repeat("n", 128), "4you", "A-"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", strings.Repeat("n", 129), "a b", "a\tb", "a\nb", "a/b", "a:b", "-a", "@a", ".", "..", "*", "a\x00", "a\xff", "a\u202eb", "a\u00a0b", "a\u200bb", " a", "a\x7f",
		"Jörg", "аnn", "ann\u0301", "ｂob", "_a", ".a", "a+b", "$x", "a*", "a\"b", "a\\b", "a,b",
	} {
		if err := checkName(name); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	f.Add("ann")
	f.Add("a\u202eb")
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) == nil && (clip(name, maxWho) != name || strings.ContainsAny(name, "/: \n")) {
			t.Errorf("%q is a name, and %q in the audit log", name, clip(name, maxWho))
		}
	})
}

// Nobody takes one user for another, and whoever is there already stays.
func TestNamesThatLookAlike(t *testing.T) {
	r := newRig(t)
	r.user("Ann", octaskly.RoleClient)
	for _, name := range []string{"ann", "ANN", "aNN"} {
		_, err := r.CreateUser(t.Context(), root, &api.NewUser{Name: name})
		r.field(err, "name")
	}
	_, err := r.CreateUser(t.Context(), root, &api.NewUser{Name: "Ann"})
	r.refused(err, octaskly.ErrConflict)
	for _, name := range []string{"Jörg", "ann"} { // as earlier versions made them
		u := octaskly.User{Name: name, Role: octaskly.RoleClient, Password: cheap(password), CreatedAt: clock()}
		r.must(r.store.Record(t.Context(), &store.Records{Users: []octaskly.User{u}}))
	}
	r.restart()
	for _, name := range []string{"Jörg", "ann", "Ann"} {
		r.enters(r.login(name).Access, octaskly.RoleClient)
		_, err = r.ChangeUser(t.Context(), root, name, &api.UserChange{Role: octaskly.RoleDispatcher})
		r.must(err)
	}
}

// Whoever has a name owns the jobs of that name, and is told.
func TestJobsOfAName(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"leaver", "ann"} {
		want := int64(0)
		if name == "leaver" {
			want = 6
		}
		made, err := r.CreateUser(t.Context(), root, &api.NewUser{Name: name})
		r.must(err)
		gone, err := r.RemoveUser(t.Context(), root, name)
		r.must(err)
		if made.Jobs != want || gone.Jobs != want {
			t.Errorf("%s owns %d when made, %d when removed", name, made.Jobs, gone.Jobs)
		}
	}
}

func TestNewUserInput(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		field string
		how   api.NewUser
	}{
		{"name", api.NewUser{Name: "a b"}},
		{"role", api.NewUser{Name: "x", Role: "king"}},
		{"password", api.NewUser{Name: "x", Password: "short12"}},
		{"password", api.NewUser{Name: "x", Password: strings.Repeat("p", 1025)}},
		{"password", api.NewUser{Name: "x", Password: "12345678\xff"}},
		{"quota.queued", api.NewUser{Name: "x", Quota: api.Quota{Queued: -2}}},
		{"quota.running", api.NewUser{Name: "x", Quota: api.Quota{Running: math.MaxInt64}}},
		{"quota.submits_per_second", api.NewUser{Name: "x", Quota: api.Quota{Rate: -0.5}}},
		{"quota.submits_per_second", api.NewUser{Name: "x", Quota: api.Quota{Rate: math.NaN()}}},
		{"quota.submits_per_second", api.NewUser{Name: "x", Quota: api.Quota{Rate: math.Inf(1)}}},
	}
	for _, test := range tests {
		_, err := r.CreateUser(t.Context(), root, &test.how)
		r.field(err, test.field)
		if test.how.Password != "" && strings.Contains(err.Error(), test.how.Password) {
			t.Errorf("the error says the password")
		}
	}
	if len(r.store.users) != 0 {
		t.Errorf("there are users: %v", r.store.users)
	}
}

func TestUsers(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	u, err := r.CreateUser(ctx, root, &api.NewUser{Name: "bob"})
	r.must(err)
	if u.Role != octaskly.RoleClient || u.Password || u.CreatedAt.IsZero() {
		t.Errorf("made is %+v", u)
	}
	r.user("ann", octaskly.RoleDispatcher)
	_, err = r.CreateUser(ctx, root, &api.NewUser{Name: "ann"})
	r.refused(err, octaskly.ErrConflict)
	list, err := r.Users(ctx, root, api.Page{})
	r.must(err)
	if len(list) != 2 || list[0].Name != "ann" || !list[0].Password || list[1].Name != "bob" {
		t.Errorf("the list is %+v", list)
	}
	for _, name := range []string{"nobody", ""} {
		_, err = r.User(ctx, root, name)
		r.refused(err, octaskly.ErrNotFound)
		_, err = r.ChangeUser(ctx, root, name, &api.UserChange{Disabled: new(true)})
		r.refused(err, octaskly.ErrNotFound)
		_, err = r.RemoveUser(ctx, root, name)
		r.refused(err, octaskly.ErrNotFound)
	}
	_, err = r.ChangeUser(ctx, root, "ann", &api.UserChange{})
	r.field(err, "role")
	_, err = r.RemoveUser(ctx, root, "ann")
	r.must(err)
	r.restart()
	list, err = r.Users(ctx, root, api.Page{})
	r.must(err)
	if len(list) != 1 {
		t.Errorf("the list is %+v", list)
	}
}

// Who is no admin changes no users, keys or others' tokens, and reads no audit log.
func TestOnlyAdmins(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleDispatcher)
	ctx, calls := t.Context(), map[string]func(api.Caller) error{
		"users":  func(c api.Caller) error { _, err := r.Users(t.Context(), c, api.Page{}); return err },
		"user":   func(c api.Caller) error { _, err := r.User(t.Context(), c, "ann"); return err },
		"create": func(c api.Caller) error { _, err := r.CreateUser(t.Context(), c, &api.NewUser{Name: "x"}); return err },
		"change": func(c api.Caller) error {
			_, err := r.ChangeUser(t.Context(), c, "ann", &api.UserChange{Role: "admin"})
			return err
		},
		"remove": func(c api.Caller) error { _, err := r.RemoveUser(t.Context(), c, "ann"); return err },
		"rotate": func(c api.Caller) error { _, err := r.RotateKeys(t.Context(), c); return err },
		"audit":  func(c api.Caller) error { _, err := r.Audit(t.Context(), c, api.AuditFilter{}); return err },
		"verify": func(c api.Caller) error { _, err := r.VerifyAudit(t.Context(), c, nil); return err },
		"anchor": func(c api.Caller) error { _, err := r.Anchor(t.Context(), c); return err },
		"tokens": func(c api.Caller) error { _, err := r.Tokens(t.Context(), c, true, api.Page{}); return err },
		"for ann": func(c api.Caller) error {
			_, err := r.CreateToken(t.Context(), c, &api.NewToken{User: "ann"})
			return err
		},
		"elevated": func(c api.Caller) error {
			_, err := r.CreateToken(t.Context(), c, &api.NewToken{User: "ann", Role: "admin"})
			return err
		},
	}
	for name, call := range calls {
		for _, role := range []octaskly.Role{octaskly.RoleDispatcher, octaskly.RoleClient, octaskly.RoleWorker, "", "king"} {
			if err := call(api.Caller{Name: "mallory", Role: role, Token: "x"}); err == nil {
				t.Errorf("%s: a %q may", name, role)
			} else {
				r.refused(err, octaskly.ErrDenied)
			}
		}
	}
	_, err := r.User(ctx, api.Caller{Name: "ann", Role: octaskly.RoleClient}, "ann")
	r.must(err)
}

func TestChangesEndLogins(t *testing.T) {
	tests := map[string]struct {
		change   api.UserChange
		ends     bool
		machine  octaskly.Role // what its token permits then
		elevated octaskly.Role
	}{
		"password":    {change: api.UserChange{Password: new("another password")}, ends: true, machine: "dispatcher"},
		"no password": {change: api.UserChange{Password: new("")}, ends: true, machine: "dispatcher"},
		"lowered":     {change: api.UserChange{Role: octaskly.RoleClient}, ends: true, machine: "client"},
		"to a worker": {change: api.UserChange{Role: octaskly.RoleWorker}, ends: true, machine: "worker"},
		"raised":      {change: api.UserChange{Role: octaskly.RoleAdmin}, machine: "dispatcher"},
		"the same":    {change: api.UserChange{Role: octaskly.RoleDispatcher}, machine: "dispatcher"},
		"quota":       {change: api.UserChange{Quota: &api.Quota{Queued: 5}}, machine: "dispatcher"},
		"enabled":     {change: api.UserChange{Disabled: new(false)}, machine: "dispatcher"},
		"disabled":    {change: api.UserChange{Disabled: new(true)}, ends: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.user("ann", octaskly.RoleDispatcher)
			r.user("bob", octaskly.RoleDispatcher)
			s, m, other := r.login("ann"), r.machine("ann", ""), r.login("bob")
			r.enters(s.Access, octaskly.RoleDispatcher) // remembered
			r.enters(m.Secret, octaskly.RoleDispatcher)
			_, err := r.ChangeUser(t.Context(), root, "ann", &test.change)
			r.must(err)
			for range 2 {
				if test.ends {
					r.stays(s.Access)
					_, err := r.refresh(s.Refresh)
					r.refused(err, octaskly.ErrUnknown)
				} else {
					r.enters(s.Access, octaskly.RoleDispatcher)
				}
				if test.machine == "" {
					r.stays(m.Secret)
				} else {
					r.enters(m.Secret, test.machine)
				}
				r.enters(other.Access, octaskly.RoleDispatcher)
				r.restart()
			}
		})
	}
}

func TestRemovedUserReturns(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleAdmin)
	s, m := r.login("ann"), r.machine("ann", "")
	_, err := r.RemoveUser(t.Context(), root, "ann")
	r.must(err)
	r.user("ann", octaskly.RoleAdmin)
	for range 2 {
		r.stays(s.Access)
		r.stays(m.Secret)
		_, err = r.refresh(s.Refresh)
		r.refused(err, octaskly.ErrUnknown)
		r.restart()
	}
}

func TestChangePassword(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s, other := r.login("ann"), r.login("ann")
		who := r.caller(s.Access)
		const better = "an even better password"
		for field, how := range map[string]*api.PasswordChange{
			"new": {Present: password, New: "short"}, "present": {New: better},
		} {
			r.field(r.ChangePassword(t.Context(), who, how), field)
		}
		r.field(r.ChangePassword(t.Context(), who, &api.PasswordChange{Present: "wrong password", New: better}), "present")
		err := r.ChangePassword(t.Context(), who, &api.PasswordChange{Present: password, New: better})
		r.refused(err, octaskly.ErrFull) // guessing there is as slow as at login
		who.From = "192.0.2.7"
		who, a := act(who, "user.password")
		r.must(r.ChangePassword(t.Context(), who, &api.PasswordChange{Present: password, New: better}))
		if !a.Written || a.Target != "ann" || a.Detail != "password set, 1 logins ended" {
			t.Errorf("the audit log says %+v", a)
		}
		r.enters(s.Access, octaskly.RoleClient)
		r.stays(other.Access)
		_, err = r.try("ann", "192.0.2.8", password)
		r.refused(err, octaskly.ErrUnknown)
		_, err = r.try("ann", "192.0.2.7", better)
		r.must(err)
		r.refused(r.ChangePassword(t.Context(), api.Caller{Name: "nobody"}, &api.PasswordChange{}), octaskly.ErrNotFound)
	})
}

func TestManyUsers(t *testing.T) {
	r := newRig(t)
	for i := range maxUsers {
		r.book.users[fmt.Sprint("u", i)] = &octaskly.User{}
	}
	_, err := r.CreateUser(t.Context(), root, &api.NewUser{Name: "ann"})
	r.refused(err, octaskly.ErrFull)
}

func TestQuota(t *testing.T) {
	r := newRig(t)
	r.quotas = octaskly.Quota{Queued: 100, Running: 10}
	_, err := r.CreateUser(t.Context(), root, &api.NewUser{Name: "ann", Quota: api.Quota{Queued: -1, Rate: 0.5}})
	r.must(err)
	for user, want := range map[string]octaskly.Quota{
		"ann": {Queued: -1, Running: 10, Rate: 0.5}, "nobody": {Queued: 100, Running: 10}, "": {Queued: 100, Running: 10},
	} {
		if got := r.Quota(user); got != want {
			t.Errorf("%q may have %+v, want %+v", user, got, want)
		}
	}
}
