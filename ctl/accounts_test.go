package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
)

// book is accounts of ann, an admin, and of what she is asked about.
type book struct {
	api.Accounts
	mu       sync.Mutex
	asked    []string
	sessions int
	stays    error // of a logout
	report   *api.AuditReport
	rows     []api.AuditRow
}

func (b *book) ask(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
}

func (b *book) questions() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.asked, "\n")
}

func (b *book) Standing(api.Caller) (<-chan struct{}, time.Time, error) {
	return nil, time.Now().Add(time.Hour), nil
}

func (b *book) Authenticate(_ context.Context, token string) (*api.Identity, error) {
	if token != "the-token" && !strings.HasPrefix(token, "access") {
		return nil, fmt.Errorf("the token is not valid: %w", octaskly.ErrUnknown)
	}
	return &api.Identity{User: "ann", Role: octaskly.RoleAdmin, Token: "t1"}, nil
}

func (b *book) Login(_ context.Context, _ string, how *api.LoginRequest) (*api.Session, error) {
	if how.User != "ann" || how.Password != "the password" {
		return nil, fmt.Errorf("wrong name or password: %w", octaskly.ErrUnknown)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions++
	return &api.Session{Access: fmt.Sprint("access", b.sessions), Refresh: "refresh", ExpiresAt: time.Now().Add(time.Hour), User: "ann", Role: octaskly.RoleAdmin}, nil
}

func (b *book) Logout(context.Context, api.Caller) error {
	b.ask("logout")
	return b.stays
}

func (b *book) Record(context.Context, *octaskly.Action) error { return nil }

var bob = api.User{Name: "bob", Role: octaskly.RoleClient, Password: true, CreatedAt: noon, ChangedAt: noon,
	Quota: api.Quota{Queued: 5, Running: -1}}

func (b *book) find(name string) (*api.User, error) {
	if name != "bob" {
		return nil, fmt.Errorf("cannot find user %q: %w", name, octaskly.ErrNotFound)
	}
	return new(bob), nil
}

func (b *book) Users(context.Context, api.Caller, api.Page) ([]api.User, error) {
	return []api.User{bob, {Name: "ann\x1b", Role: octaskly.RoleAdmin, Disabled: true}}, nil
}

func (b *book) User(_ context.Context, _ api.Caller, name string) (*api.User, error) {
	b.ask("user %s", name)
	return b.find(name)
}

func (b *book) CreateUser(_ context.Context, _ api.Caller, u *api.NewUser) (*api.User, error) {
	b.ask("create %+v", *u)
	return &api.User{Name: u.Name, Role: octaskly.RoleClient, Password: u.Password != ""}, nil
}

func (b *book) ChangeUser(_ context.Context, _ api.Caller, name string, how *api.UserChange) (*api.User, error) {
	text := fmt.Sprintf("change %s role=%s", name, how.Role)
	if how.Password != nil {
		text += fmt.Sprintf(" password=%q", *how.Password)
	}
	if how.Disabled != nil {
		text += fmt.Sprintf(" disabled=%v", *how.Disabled)
	}
	if how.Quota != nil {
		text += fmt.Sprintf(" quota=%+v", *how.Quota)
	}
	b.ask("%s", text)
	return b.find(name)
}

func (b *book) RemoveUser(_ context.Context, _ api.Caller, name string) (*api.User, error) {
	b.ask("remove %s", name)
	return b.find(name)
}

func (b *book) ChangePassword(_ context.Context, _ api.Caller, how *api.PasswordChange) error {
	b.ask("password %q %q", how.Present, how.New)
	return nil
}

func (b *book) Tokens(_ context.Context, _ api.Caller, all bool, _ api.Page) ([]api.Token, error) {
	b.ask("tokens %v", all)
	return []api.Token{
		{ID: "t1", Kind: octaskly.LoginToken, User: "ann", Role: octaskly.RoleAdmin, CreatedAt: noon, ExpiresAt: noon},
		{ID: "t2", Kind: octaskly.MachineToken, User: "ann", Role: octaskly.RoleClient, Name: "ci", CreatedAt: noon.Add(time.Hour), ExpiresAt: time.Now().Add(time.Hour), RevokedAt: &noon},
	}, nil
}

func (b *book) CreateToken(_ context.Context, _ api.Caller, t *api.NewToken) (*api.CreatedToken, error) {
	b.ask("token %s %s %s %v", t.Name, t.User, t.Role, time.Duration(*t.Expires))
	return &api.CreatedToken{Token: api.Token{ID: "t1", Role: octaskly.RoleClient, ExpiresAt: time.Now().Add(time.Duration(*t.Expires))}, Secret: "the-token"}, nil
}

func (b *book) RevokeToken(_ context.Context, _ api.Caller, id string) (*api.Token, error) {
	b.ask("revoke %s", id)
	if id != "t2" {
		return nil, fmt.Errorf("cannot find token %q: %w", id, octaskly.ErrNotFound)
	}
	return &api.Token{ID: id, Name: "ci", User: "ann"}, nil
}

func (b *book) RotateKeys(context.Context, api.Caller) (*api.Keys, error) {
	return &api.Keys{IDs: []string{"k2", "k1"}}, nil
}

func (b *book) Audit(_ context.Context, _ api.Caller, f api.AuditFilter) ([]api.AuditRow, error) {
	b.ask("audit %s %s %s %s %v %v", f.Who, f.What, f.Target, f.Outcome, f.Since.IsZero(), f.Until.UTC().Format(time.DateOnly))
	var page []api.AuditRow
	for _, row := range b.rows {
		if (f.Before == 0 || row.Seq < f.Before) && len(page) < f.Limit {
			page = append(page, row)
		}
	}
	return page, nil
}

func (b *book) VerifyAudit(_ context.Context, _ api.Caller, anchor *api.Anchor) (*api.AuditReport, error) {
	if anchor != nil {
		b.ask("verify %d", anchor.Seq)
	}
	return b.report, nil
}

func (b *book) Anchor(context.Context, api.Caller) (*api.Anchor, error) {
	return &api.Anchor{Seq: 7, At: noon, Hash: strings.Repeat("ab", 32)}, nil
}

// remote is a dispatcher that is reached by HTTPS.
type remote struct {
	url string
	ca  *x509.Certificate
	pem []byte
}

func serveTLS(t *testing.T, f *fake, b *book) *remote {
	authority, err := security.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.IssueServer([]string{"127.0.0.1"}, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		handler := api.New(f, b, api.Config{Version: "1.2.3", Log: log})
		ended <- api.ServeTLS(ctx, ln, handler, &tls.Config{Certificates: []tls.Certificate{certificate}}, log)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	ca, _ := authority.PEM()
	return &remote{"https://" + ln.Addr().String(), authority.Certificate(), ca}
}

// Shell sessions of whoever logs in from elsewhere.
func TestLoginScripts(t *testing.T) {
	f := newFake()
	f.onSubmit = func(o *api.Order) error {
		for _, secret := range o.Secrets {
			if _, value, _ := strings.Cut(secret, "="); value != "the password" && value != "another" {
				return fmt.Errorf("the secret is %q: %w", secret, octaskly.ErrConflict)
			}
		}
		if len(o.Secrets) == 0 {
			return fmt.Errorf("there is no secret: %w", octaskly.ErrConflict)
		}
		return nil
	}
	r := serveTLS(t, f, &book{})
	// The scripts run when this function has returned.
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Dir: "testdata/login", Setup: func(env *testscript.Env) error {
			ca := filepath.Join(env.WorkDir, "ca.pem")
			env.Setenv("URL", r.url)
			env.Setenv("PLAIN_URL", strings.Replace(r.url, "https:", "http:", 1))
			env.Setenv("CONFIG", filepath.Join(env.WorkDir, "config"))
			env.Setenv("FINGERPRINT", security.Fingerprint(r.ca))
			env.Setenv("CA", ca)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			return os.WriteFile(ca, r.pem, 0o600)
		}})
	})
}
