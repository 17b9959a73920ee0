package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// books are accounts that say what they were asked. A token "ROLE" or
// "ROLE-anything" is good.
type books struct {
	err     error // of all but Authenticate and Record
	failing error // of Record
	writes  bool  // rows beside the change

	mu    sync.Mutex
	asked []string
	rows  []octaskly.Action
}

func (b *books) ask(who Caller, format string, args ...any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, who.Name+": "+fmt.Sprintf(format, args...))
	if who.Act != nil && b.writes && b.err == nil {
		b.rows = append(b.rows, who.Act.Action)
		who.Act.Written = true
	}
	return b.err
}

func (b *books) Authenticate(_ context.Context, token string) (*Identity, error) {
	role, _, _ := strings.Cut(token, "-")
	if !slices.Contains(octaskly.Roles, octaskly.Role(role)) {
		return nil, fmt.Errorf("cannot accept the token: %w", octaskly.ErrUnknown)
	}
	return &Identity{User: "the " + token, Role: octaskly.Role(role), Token: "id of " + token}, nil
}

func (b *books) Standing(Caller) (<-chan struct{}, time.Time, error) {
	return nil, time.Now().Add(time.Hour), nil
}

func (b *books) Login(_ context.Context, from string, how *LoginRequest) (*Session, error) {
	err := b.ask(Caller{}, "login %s from %s", how.User, from)
	return &Session{Access: "a", Refresh: "r", User: how.User, Role: octaskly.RoleClient}, err
}

func (b *books) Refresh(_ context.Context, from string, how *RefreshRequest) (*Session, error) {
	return &Session{Access: "a2", Refresh: "r2", User: "ann", Role: octaskly.RoleClient}, b.ask(Caller{}, "refresh from %s", from)
}

func (b *books) Logout(_ context.Context, who Caller) error {
	return b.ask(who, "logout %s", who.Token)
}

func (b *books) Users(_ context.Context, who Caller, page Page) ([]User, error) {
	return []User{{Name: "ann"}}, b.ask(who, "users %v", page)
}

func (b *books) User(_ context.Context, who Caller, name string) (*User, error) {
	return &User{Name: name}, b.ask(who, "user %s", name)
}

func (b *books) CreateUser(_ context.Context, who Caller, u *NewUser) (*User, error) {
	return &User{Name: u.Name}, b.ask(who, "create %s %s", u.Name, u.Role)
}

func (b *books) ChangeUser(_ context.Context, who Caller, name string, how *UserChange) (*User, error) {
	return &User{Name: name}, b.ask(who, "change %s %s", name, how.Role)
}

func (b *books) RemoveUser(_ context.Context, who Caller, name string) (*User, error) {
	return &User{Name: name}, b.ask(who, "remove %s", name)
}

func (b *books) ChangePassword(_ context.Context, who Caller, how *PasswordChange) error {
	return b.ask(who, "password")
}

func (b *books) Tokens(_ context.Context, who Caller, all bool, page Page) ([]Token, error) {
	return nil, b.ask(who, "tokens %v %v", all, page)
}

func (b *books) CreateToken(_ context.Context, who Caller, t *NewToken) (*CreatedToken, error) {
	return &CreatedToken{Token: Token{ID: "t1", Name: t.Name}, Secret: "s"}, b.ask(who, "token %s %s", t.Name, t.User)
}

func (b *books) RevokeToken(_ context.Context, who Caller, id string) (*Token, error) {
	return &Token{ID: id}, b.ask(who, "revoke %s", id)
}

func (b *books) RotateKeys(_ context.Context, who Caller) (*Keys, error) {
	return &Keys{IDs: []string{"k2", "k1"}}, b.ask(who, "rotate")
}

func (b *books) Record(ctx context.Context, a *octaskly.Action) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil || b.failing != nil {
		return fmt.Errorf("cannot record: %w", b.failing)
	}
	b.rows = append(b.rows, *a)
	return nil
}

func (b *books) Audit(_ context.Context, who Caller, f AuditFilter) ([]AuditRow, error) {
	return nil, b.ask(who, "audit %+v", f)
}

func (b *books) VerifyAudit(_ context.Context, who Caller, anchor *Anchor) (*AuditReport, error) {
	return &AuditReport{Rows: 1, Intact: true}, b.ask(who, "verify %+v", anchor)
}

func (b *books) Anchor(_ context.Context, who Caller) (*Anchor, error) {
	return &Anchor{Seq: 7}, b.ask(who, "anchor")
}

// taken are the rows since the last call, one a line: who/role/token/from what target outcome detail.
func (b *books) taken() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for _, a := range b.rows {
		lines = append(lines, fmt.Sprintf("%s/%s/%s/%s %s %q %s %q", a.Who, a.Role, a.Token, a.From, a.What, a.Target, a.Outcome, a.Detail))
	}
	b.rows, b.asked = nil, nil
	return strings.Join(lines, "\n")
}

const origin = "https://board.example"

// newFleetHandler has accounts, too, and no bound on rates.
func newFleetHandler(f *fake, b *books) *Handler {
	return knowing(New(f, b, Config{Version: "1.2.3", Access: DefaultAccess(), Origins: []string{origin}, Roster: usher{b}, Log: quiet}))
}

// through makes a request come in by a door, from an address of its own.
func through(d door, token string, r *http.Request) *http.Request {
	c := connection{door: d, peer: peer{uid: -1, addr: netip.MustParseAddr("192.0.2.7")}, stopping: context.Background()}
	r.Host = "queue.example:3000"
	if d == tlsDoor {
		r.TLS = &tls.ConnectionState{}
	} else {
		r.Host = "localhost:3000"
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r.WithContext(context.WithValue(r.Context(), connectionKey{}, c))
}

// ask serves one request over HTTPS.
func ask(h http.Handler, token, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return send(h, through(tlsDoor, token, newRequest(-1, method, target, body)), headers...)
}

func send(h http.Handler, r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
