package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// rig is accounts over a fake store, with passwords that cost nothing.
type rig struct {
	*Accounts
	t     testing.TB
	store *fakeStore
	fleet security.Keys
	log   *journal
	stop  func() // what Run does
}

// journal is what was logged.
type journal struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.text.String()
}

const password = "correct horse battery"

// root is an admin on the Unix socket.
var root = api.Caller{Name: "root", Role: octaskly.RoleAdmin, Admin: true, From: "unix uid=0"}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, store: newFakeStore(), fleet: security.NewKeys(security.GenerateKey()), log: &journal{}}
	r.restart()
	return r
}

// restart is another process with the same store.
func (r *rig) restart() {
	r.t.Helper()
	runs := r.stop != nil
	if runs {
		r.stop()
	}
	a, err := New(Config{Store: r.store, Keys: r.fleet, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	r.must(err)
	a.hash = func(_ context.Context, password string) (string, error) { return cheap(password), nil }
	a.check = func(_ context.Context, hash, password string) (bool, error) {
		return hash != "" && hash == cheap(password), nil
	}
	r.Accounts = a
	if runs {
		r.run()
	}
}

// run lets Run do what may wait, until stop.
func (r *rig) run() {
	ctx, stop := context.WithCancel(context.Background())
	ended, a := make(chan error), r.Accounts
	go func() { ended <- a.Run(ctx) }()
	r.stop = func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	}
}

// cheap stands for argon2id.
func cheap(password string) string { return fmt.Sprintf("$cheap$%x", sha256.Sum256([]byte(password))) }

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// refused wants an error of a kind.
func (r *rig) refused(err, kind error) {
	r.t.Helper()
	if !errors.Is(err, kind) {
		r.t.Fatalf("error is %v, want %v", err, kind)
	}
}

// field wants bad input.
func (r *rig) field(err error, field string) {
	r.t.Helper()
	if f, ok := errors.AsType[*octaskly.FieldError](err); !ok || f.Field != field {
		r.t.Fatalf("error is %v, want bad input in %q", err, field)
	}
}

func (r *rig) user(name string, role octaskly.Role) {
	r.t.Helper()
	_, err := r.CreateUser(r.t.Context(), root, &api.NewUser{Name: name, Role: role, Password: password})
	r.must(err)
}

func (r *rig) login(name string) *api.Session {
	r.t.Helper()
	s, err := r.Login(r.t.Context(), "192.0.2.1", &api.LoginRequest{User: name, Password: password})
	r.must(err)
	return s
}

func (r *rig) refresh(token string) (*api.Session, error) {
	return r.Refresh(r.t.Context(), "192.0.2.1", &api.RefreshRequest{Token: token})
}

func (r *rig) machine(user string, role octaskly.Role) *api.CreatedToken {
	r.t.Helper()
	m, err := r.CreateToken(r.t.Context(), root, &api.NewToken{User: user, Role: role, Name: "ci"})
	r.must(err)
	return m
}

// caller is who comes by that token.
func (r *rig) caller(token string) api.Caller {
	r.t.Helper()
	who, err := r.Authenticate(r.t.Context(), token)
	r.must(err)
	return api.Caller{Name: who.User, Role: who.Role, UID: -1, Token: who.Token, From: "192.0.2.1"}
}

// enters wants to know whether a token is good, and in which role.
func (r *rig) enters(token string, role octaskly.Role) {
	r.t.Helper()
	if who := r.caller(token); who.Role != role {
		r.t.Fatalf("the token's role is %q, want %q", who.Role, role)
	}
}

func (r *rig) stays(token string) {
	r.t.Helper()
	who, err := r.Authenticate(r.t.Context(), token)
	if err != errAccess {
		r.t.Fatalf("the token is good for %+v (%v)", who, err)
	}
}

// inBubble runs f with accounts whose time passes by sleeping, and their Run.
func inBubble(t *testing.T, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run()
		defer func() { r.stop() }()
		f(r)
	})
}

// act is a caller with an action that is to be audited.
func act(who api.Caller, what string) (api.Caller, *api.Act) {
	a := &api.Act{Action: octaskly.Action{Who: who.Name, Role: who.Role, Token: who.Token, From: who.From, What: what}}
	who.Act = a
	return who, a
}
