package accounts

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// modelUser and modelToken are what a reader of the rules would keep on paper.
type modelUser struct {
	role     octaskly.Role
	disabled bool
}

type modelToken struct {
	secret, id, user string
	session          int // index of the session, -1 for a machine token
	role             octaskly.Role
	ends             time.Time
	revoked          bool
}

type modelSession struct {
	refresh, id, user string
	role              octaskly.Role
	ends              time.Time
	over              bool
}

type model struct {
	*rig
	users    map[string]*modelUser
	tokens   []*modelToken
	sessions []*modelSession
}

// Whatever happens, in whatever order: a token that has expired, was revoked, or whose
// user is disabled, gone or was lowered is never good for more than it should be; and
// every other is.
func TestTokensAreWhatTheyShouldBe(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var failed any
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }() // rapid wants it in its own goroutine
			r := newRig(t)
			r.run()
			defer func() { r.stop() }()
			m := &model{rig: r, users: map[string]*modelUser{}}
			rt.Repeat(map[string]func(*rapid.T){
				"create": m.create, "change": m.change, "remove": m.remove, "login": m.login, "refresh": m.renew,
				"machine": m.machine, "revoke": m.revoke, "rotate": m.rotate, "wait": m.wait, "restart": func(*rapid.T) { r.restart() },
				"": m.compare,
			})
		})
		if failed != nil {
			panic(failed)
		}
	})
}

var someNames = rapid.SampledFrom([]string{"ann", "bob", "eve"})
var someRoles = rapid.SampledFrom(octaskly.Roles)

// somebody is one of those who are there.
func (m *model) somebody(t *rapid.T) (string, *modelUser) {
	if len(m.users) == 0 {
		t.Skip("nobody is there")
	}
	name := rapid.SampledFrom(slices.Sorted(mapKeys(m.users))).Draw(t, "user")
	return name, m.users[name]
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (m *model) create(t *rapid.T) {
	name, role := someNames.Draw(t, "name"), someRoles.Draw(t, "role")
	_, err := m.CreateUser(m.t.Context(), root, &api.NewUser{Name: name, Role: role, Password: password})
	if (err == nil) != (m.users[name] == nil) {
		t.Fatal(err)
	}
	if err == nil {
		m.users[name] = &modelUser{role: role}
	}
}

func (m *model) change(t *rapid.T) {
	name, u := m.somebody(t)
	how := &api.UserChange{Role: someRoles.Draw(t, "role"), Disabled: new(rapid.Bool().Draw(t, "disabled"))}
	if _, err := m.ChangeUser(m.t.Context(), root, name, how); err != nil {
		t.Fatal(err)
	}
	if how.Role != u.role && auth.Lesser(how.Role, u.role) == how.Role || *how.Disabled && !u.disabled {
		m.end(func(s *modelSession) bool { return s.user == name })
	}
	u.role, u.disabled = how.Role, *how.Disabled
}

func (m *model) end(which func(*modelSession) bool) {
	for _, s := range m.sessions {
		s.over = s.over || which(s)
	}
}

func (m *model) remove(t *rapid.T) {
	name, _ := m.somebody(t)
	if _, err := m.RemoveUser(m.t.Context(), root, name); err != nil {
		t.Fatal(err)
	}
	delete(m.users, name)
	m.end(func(s *modelSession) bool { return s.user == name })
	for _, token := range m.tokens {
		token.revoked = token.revoked || token.user == name
	}
}

func (m *model) login(t *rapid.T) {
	name, u := m.somebody(t)
	s, err := m.try(name, rapid.StringN(8, 8, 8).Draw(t, "from"), password)
	if (err == nil) == u.disabled {
		t.Fatal(err)
	}
	if err == nil {
		id := m.idOf(t, s.Access)
		m.sessions = append(m.sessions, &modelSession{refresh: s.Refresh, id: id, user: name, role: u.role, ends: time.Now().Add(sessionLife)})
		m.tokens = append(m.tokens, &modelToken{secret: s.Access, id: id, user: name, session: len(m.sessions) - 1, role: u.role, ends: s.ExpiresAt})
	}
}

func (m *model) idOf(t *rapid.T, token string) string {
	who, err := m.Authenticate(m.t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return who.Token
}

func (m *model) renew(t *rapid.T) {
	if len(m.sessions) == 0 {
		t.Skip("no session")
	}
	i := rapid.IntRange(0, len(m.sessions)-1).Draw(t, "session")
	was := m.sessions[i]
	s, err := m.rig.refresh(was.refresh)
	u := m.users[was.user]
	good := !was.over && u != nil && !u.disabled && time.Now().Before(was.ends)
	if (err == nil) != good {
		t.Fatalf("%v, want that it is good: %v", err, good)
	}
	if good {
		was.refresh, was.ends = s.Refresh, time.Now().Add(sessionLife)
		m.tokens = append(m.tokens, &modelToken{secret: s.Access, id: was.id, user: was.user, session: i, role: was.role, ends: s.ExpiresAt})
	}
}

func (m *model) machine(t *rapid.T) {
	name, u := m.somebody(t)
	life := time.Duration(rapid.Int64Range(1, 100*24*3600).Draw(t, "seconds")) * time.Second
	made, err := m.CreateToken(m.t.Context(), root, &api.NewToken{User: name, Expires: new(api.Seconds(life))})
	if (err == nil) == u.disabled {
		t.Fatal(err)
	}
	if err == nil {
		m.tokens = append(m.tokens, &modelToken{secret: made.Secret, id: made.ID, user: name, session: -1, role: made.Role, ends: made.ExpiresAt})
	}
}

func (m *model) revoke(t *rapid.T) {
	if len(m.tokens) == 0 {
		t.Skip("no token")
	}
	token := rapid.SampledFrom(m.tokens).Draw(t, "token")
	_, err := m.RevokeToken(m.t.Context(), root, token.id)
	if err == nil { // else it went long ago
		m.end(func(s *modelSession) bool { return s.id == token.id })
		token.revoked = true
	}
}

func (m *model) rotate(t *rapid.T) {
	if _, err := m.RotateKeys(m.t.Context(), root); err != nil {
		t.Fatal(err)
	}
}

func (m *model) wait(t *rapid.T) {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 61, 899, 900, 901, 86400, 8 * 86400}).Draw(t, "seconds")) * time.Second)
	synctest.Wait()
}

// compare holds every token that there ever was against the model.
func (m *model) compare(t *rapid.T) {
	for _, token := range m.tokens {
		u := m.users[token.user]
		over := token.revoked || u == nil || u.disabled || !time.Now().Before(token.ends)
		if i := token.session; i >= 0 {
			over = over || m.sessions[i].over
		}
		who, err := m.Authenticate(m.t.Context(), token.secret)
		switch {
		case over && err == nil:
			t.Fatalf("a token that is over is good for %+v: %+v", who, token)
		case !over && err != nil:
			t.Fatalf("a token is not good (%v): %+v", err, token)
		case !over && (who.User != token.user || who.Role != auth.Lesser(token.role, u.role)):
			t.Fatalf("%+v is who comes by %+v, whose user is %+v", who, token, u)
		}
	}
}
