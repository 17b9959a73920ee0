package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// audited is a database of some hundred pages, all of users, tokens and actions.
func audited(t *testing.T) (path string) {
	t.Helper()
	s := openTemp(t)
	mustExec(t, s, `PRAGMA synchronous = OFF`)
	r := someRecords()
	for i := range 3000 {
		r.Users = append(r.Users, octaskly.User{Name: fmt.Sprintf("user%04d", i), Role: octaskly.RoleClient, Quota: octaskly.Quota{Rate: float64(i) / 2}})
		r.Tokens = append(r.Tokens, octaskly.Token{ID: fmt.Sprintf("token%04d", i), Kind: octaskly.MachineToken, User: fmt.Sprintf("user%04d", i)})
		r.Actions = append(r.Actions, octaskly.Action{At: noon, Who: "ann", What: "user.create", Target: fmt.Sprint("user", i), Outcome: octaskly.Done})
	}
	if err := s.Record(ctx, r); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.path
}

// Whichever pages are damaged, whatever can still be read of users, tokens and
// audit log is there, none of it twice, and verification names what is not, and
// nothing else.
func TestDamagedAccounts(t *testing.T) {
	whole, err := os.ReadFile(audited(t))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(thinned(12)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			draw := rand.New(rand.NewPCG(seed, 1))
			data, n := slices.Clone(whole), 1+draw.IntN(3)
			for range n {
				page := 1 + draw.IntN(len(data)/pageSize-1)
				data = damages[[]string{"zeroed page", "garbage page"}[draw.IntN(2)]](data, page)
			}
			path := filepath.Join(t.TempDir(), "octaskly.db")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			checkDamagedAccounts(t, path, n*perPage)
		})
	}
}

func checkDamagedAccounts(t *testing.T, path string, most int) {
	s, err := Open(ctx, path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	users, usersErr := s.Users(ctx)
	tokens, tokensErr := s.Tokens(ctx)
	report, err := s.VerifyActions(ctx, nil)
	if err != nil || usersErr != nil || tokensErr != nil {
		t.Fatal(err, usersErr, tokensErr)
	}
	if lost := 3002 + 3003 + 3001 - len(users) - len(tokens) - int(report.Rows); lost < 0 || lost > most {
		t.Errorf("%d users, %d tokens and %d actions are left", len(users), len(tokens), report.Rows)
	}
	missing := int64(0)
	for _, f := range report.Faults {
		if !strings.HasPrefix(f.Why, "missing") {
			t.Errorf("row %d: %s", f.Seq, f.Why)
		}
		missing += max(f.Last, f.Seq) - f.Seq + 1
	}
	salvage := s.Health().Salvage
	if salvage != nil && salvage.Actions != 0 && salvage.Actions != missing || missing != 3001-report.Rows && missing != seqGap {
		t.Errorf("%d rows are said to be missing, and %d are there; %+v", missing, report.Rows, salvage)
	}
	if err := s.Record(ctx, record("ann")); err != nil {
		t.Error(err)
	}
}

// Where nobody knows where the log ended, that is said, and it goes on elsewhere.
func TestLostEndOfLog(t *testing.T) {
	path := audited(t)
	root := rootOf(t, path, "ledger")
	damagePage(t, path, root)
	s := openAt(t, path)
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx); err != nil {
		t.Fatal(err)
	}
	report, err := s.VerifyActions(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkFaults(t, report, []string{fmt.Sprintf("3002-%d missing: how many there were was lost", 3001+seqGap)})
	r := record("ann")
	if err := s.Record(ctx, r); err != nil || r.Actions[0].Seq != 3001+seqGap+1 {
		t.Errorf("it goes on at %d: %v", r.Actions[0].Seq, err)
	}
}

func rootOf(t *testing.T, path, table string) (page int) {
	t.Helper()
	f, err := sqlitefile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Walk(1, false, func(row sqlitefile.Row) error {
		if row.Values[1] == table {
			n, _ := row.Values[3].(int64)
			page = int(n)
		}
		return nil
	})
	return page
}

func damagePage(t *testing.T, path string, page int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[(page-1)*pageSize:][:pageSize])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What was revoked stays so, and what may have been removed before permits nothing.
func TestSalvagePermitsNothing(t *testing.T) {
	db := connect(filepath.Join(t.TempDir(), "octaskly.db"), 100, "")
	defer db.Close()
	if err := migrate(ctx, db, quiet); err != nil {
		t.Fatal(err)
	}
	c, err := newCopier(ctx, nil, db)
	if err != nil {
		t.Fatal(err)
	}
	token := func(id string, used, revoked int64) []any {
		return []any{id, "login", "ann", "client", "", "", []byte{1}, nil, int64(1), used, int64(9), revoked}
	}
	user := func(name string, changed int64) []any {
		return []any{name, "admin", "", int64(0), int64(0), int64(0), 0.5, int64(1), changed}
	}
	for _, row := range []struct {
		put    func(context.Context, *shape, sqlitefile.Row) error
		values []any
	}{
		{c.put, token("revoked", 1, 0)}, {c.put, token("revoked", 1, 5)}, {c.put, token("revoked", 9, 0)},
		{c.put, token("used", 1, 0)}, {c.put, token("used", 7, 0)}, {c.put, token("used", 3, 0)},
		{c.doubt, token("doubtful", 1, 0)},
		{c.put, user("ann", 5)}, {c.doubt, user("ann", 1)}, {c.doubt, user("bob", 1)},
	} {
		r := sqlitefile.Row{Values: row.values}
		if err := row.put(ctx, c.shapeOf(r, true), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.into.end(nil); err != nil {
		t.Fatal(err)
	}
	tokens, err := list(ctx, db, tokenFields, `SELECT `+tokenColumns+` FROM tokens t ORDER BY t.id`)
	if err != nil || len(tokens) != 2 || tokens[0].RevokedAt.IsZero() || !tokens[1].RevokedAt.IsZero() || micros(tokens[1].UsedAt) != 7 {
		t.Errorf("tokens are %+v, %v", tokens, err)
	}
	users, err := list(ctx, db, userFields, `SELECT `+userColumns+` FROM users u ORDER BY u.name`)
	if err != nil || len(users) != 2 || users[0].Disabled || !users[1].Disabled || c.disabled != 1 {
		t.Errorf("users are %+v, %v; %d disabled", users, err, c.disabled)
	}
}
