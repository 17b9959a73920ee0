package accounts

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// witness hears all that accounts say, but for what they hand to whom it belongs.
type witness struct {
	heard   strings.Builder
	secrets map[string]string
}

func (w *witness) secret(what, text string) { w.secrets[what] = text }

func (w *witness) hear(said ...any) {
	for _, s := range said {
		text, _ := json.Marshal(s)
		fmt.Fprintf(&w.heard, "%v\n%+v\n%s\n", s, s, text)
	}
}

// No secret is in an error, a log, a row of the audit log or a list.
func TestNoSecrets(t *testing.T) {
	inBubble(t, func(r *rig) {
		w := &witness{secrets: map[string]string{"password": password, "hash": cheap(password), "wrong password": "mistyped-password"}}
		ctx := t.Context()
		who, a := act(root, "user.create")
		u, err := r.CreateUser(ctx, who, &api.NewUser{Name: "ann", Role: octaskly.RoleAdmin, Password: password})
		w.hear(u, err, a)
		s := r.login("ann")
		w.secret("access token", s.Access)
		w.secret("refresh token", s.Refresh)
		next, err := r.refresh(s.Refresh)
		r.must(err)
		w.secret("second refresh token", next.Refresh)
		who, a = act(r.caller(next.Access), "token.create")
		m, err := r.CreateToken(ctx, who, &api.NewToken{Name: "ci"})
		r.must(err)
		w.secret("machine token", m.Secret)
		w.hear(m.Token, a)
		r.login("ann") // which goes on
		w.keep(r)
		for _, err := range r.failures(ctx, s, m) {
			if err == nil {
				t.Error("something did not fail")
			}
			w.hear(err)
		}
		time.Sleep(2 * writeEvery)
		synctest.Wait()
		who, a = act(root, "key.rotate")
		keys, err := r.RotateKeys(ctx, who)
		w.hear(keys, err, a)
		users, err := r.Users(ctx, root, api.Page{})
		tokens, err2 := r.Tokens(ctx, root, true, api.Page{})
		rows, err3 := r.Audit(ctx, root, api.AuditFilter{Limit: 1000})
		w.hear(users, tokens, rows, err, err2, err3, r.store.rows(""), r.log.String(), r.Accounts.ring, r.fleet)
		w.judge(t)
	})
}

// keep takes down what the store has.
func (w *witness) keep(r *rig) {
	r.store.lock.Lock()
	defer r.store.lock.Unlock()
	for _, row := range r.store.tokens {
		if row.Secret != nil {
			w.secret("digest", string(row.Secret))
		}
	}
	for _, key := range r.store.keys {
		w.secret("sealed key", string(key.Sealed))
		private, err := r.vault.Open(keyPurpose, key.Sealed, []byte(key.ID))
		r.must(err)
		w.secret("private key", string(private[:32]))
	}
}

// failures are what goes wrong with secrets at hand.
func (r *rig) failures(ctx context.Context, s *api.Session, m *api.CreatedToken) []error {
	who := r.caller(m.Secret)
	say := func(_ any, err error) error { return err }
	errs := []error{
		say(r.try("ann", "192.0.2.9", "mistyped-password")),
		say(r.try("ann", "192.0.2.9", password)),
		say(r.try("mistyped-password", "192.0.2.9", "x")),
		say(r.CreateUser(ctx, root, &api.NewUser{Name: "bob", Password: password + "\xff"})),
		say(r.ChangeUser(ctx, root, "bob", &api.UserChange{Password: new(password)})),
		r.ChangePassword(ctx, who, &api.PasswordChange{Present: "mistyped-password", New: password}),
		say(r.Authenticate(ctx, m.Secret+"x")),
		say(r.Authenticate(ctx, s.Refresh)),
		say(r.refresh(m.Secret)),
		say(r.RevokeToken(ctx, root, m.Secret[:38])),
	}
	r.store.breaks(store.ErrDiskFull)
	errs = append(errs, say(r.refresh(s.Refresh)), say(r.ChangeUser(ctx, root, "ann", &api.UserChange{Password: new(password)})), say(r.try("ann", "192.0.2.5", password)))
	r.store.breaks(nil)
	time.Sleep(time.Minute)
	synctest.Wait()
	errs = append(errs, say(r.refresh(s.Refresh))) // theft
	check := r.Accounts.check
	r.Accounts.check = func(context.Context, string, string) (bool, error) { return false, errors.New("no hash") }
	errs = append(errs, say(r.try("ann", "192.0.2.5", password)))
	r.Accounts.check = check
	return errs
}

func (w *witness) judge(t *testing.T) {
	heard := w.heard.String()
	if len(heard) < 2000 || len(w.secrets) < 10 {
		t.Fatalf("only %d bytes were heard, and %d secrets are known", len(heard), len(w.secrets))
	}
	for what, secret := range w.secrets {
		for _, text := range []string{
			secret, fmt.Sprint([]byte(secret)), hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			part := strings.Trim(text, "[]=")
			for _, part := range []string{part, part[:len(part)/2], part[len(part)/2:]} {
				if what == "wrong password" { // half of it is a word
					part = text
				}
				if isPrefix := strings.HasPrefix(part, "eyJ"); !isPrefix && strings.Contains(heard, part) {
					t.Errorf("the %s was said: %q", what, part)
				}
			}
		}
	}
}
