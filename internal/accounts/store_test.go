package accounts

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

var _ api.Accounts = (*Accounts)(nil)

// A life over the real store, with real passwords.
func TestRealStore(t *testing.T) {
	path, key, log := filepath.Join(t.TempDir(), "octaskly.db"), security.GenerateKey(), slog.New(slog.DiscardHandler)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func() (*store.Store, *Accounts) {
		s, err := store.Open(t.Context(), path, log)
		must(err)
		a, err := New(Config{Store: s, Keys: security.NewKeys(key), Log: log})
		must(err)
		return s, a
	}
	ctx := t.Context()
	s, a := open()
	who, _ := act(root, "user.create")
	_, err := a.CreateUser(ctx, who, &api.NewUser{Name: "ann", Role: octaskly.RoleDispatcher, Password: password, Quota: api.Quota{Rate: 2.5}})
	must(err)
	session, err := a.Login(ctx, "192.0.2.1", &api.LoginRequest{User: "ann", Password: password})
	must(err)
	if _, err := a.Login(ctx, "192.0.2.1", &api.LoginRequest{User: "ann", Password: password + "x"}); err != errLogin {
		t.Errorf("a wrong password: %v", err)
	}
	made, err := a.CreateToken(ctx, root, &api.NewToken{User: "ann", Name: "ci", Role: octaskly.RoleClient})
	must(err)
	other, err := a.CreateToken(ctx, root, &api.NewToken{User: "ann"})
	must(err)
	who, _ = act(root, "token.revoke")
	_, err = a.RevokeToken(ctx, who, other.ID)
	must(err)
	who, _ = act(root, "key.rotate")
	_, err = a.RotateKeys(ctx, who)
	must(err)
	must(s.Close())

	s, a = open()
	for token, want := range map[string]octaskly.Role{session.Access: octaskly.RoleDispatcher, made.Secret: octaskly.RoleClient} {
		if id, err := a.Authenticate(ctx, token); err != nil || id.User != "ann" || id.Role != want {
			t.Errorf("after a restart: %+v (%v)", id, err)
		}
	}
	if _, err := a.Authenticate(ctx, other.Secret); err != errAccess {
		t.Errorf("a revoked token: %v", err)
	}
	if q := a.Quota("ann"); q.Rate != 2.5 {
		t.Errorf("the quota is %+v", q)
	}
	_, err = a.Refresh(ctx, "192.0.2.1", &api.RefreshRequest{Token: session.Refresh})
	must(err)

	var parts sync.WaitGroup
	for range 100 {
		parts.Go(func() {
			if err := a.Record(context.Background(), &octaskly.Action{Who: "ann", What: "task.submit", Outcome: octaskly.Done}); err != nil {
				t.Error(err)
			}
		})
	}
	parts.Wait()
	rows, err := a.Audit(ctx, root, api.AuditFilter{What: "task"})
	must(err)
	if len(rows) != 100 {
		t.Errorf("there are %d rows", len(rows))
	}
	anchor, err := a.Anchor(ctx, root)
	must(err)
	report, err := a.VerifyAudit(ctx, root, anchor)
	must(err)
	if !report.Intact || report.Rows != 103 || report.Last.Hash != anchor.Hash {
		t.Errorf("the audit log is %+v", report)
	}
	must(s.Close())
}

// Knowing a caller is to cost less than 100 µs, also for the first time.
func BenchmarkAuthenticate(b *testing.B) {
	r := newRig(b)
	r.user("ann", octaskly.RoleClient)
	token := r.login("ann").Access
	for name, forget := range map[string]bool{"seen": false, "new": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if forget {
					clear(r.seen.of)
				}
				if _, err := r.Authenticate(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
