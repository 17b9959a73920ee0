package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var noon = time.UnixMicro(1_800_000_000_000_001).UTC()

// someRecords are one of each.
func someRecords() *Records {
	return &Records{
		Users: []octaskly.User{
			{Name: "ann", Role: octaskly.RoleAdmin, Password: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA", Quota: octaskly.Quota{Queued: 5, Running: -1, Rate: 2.5}, CreatedAt: noon, ChangedAt: noon},
			{Name: "bob", Role: octaskly.RoleClient, Disabled: true, Quota: octaskly.Quota{Rate: 3}, CreatedAt: noon},
		},
		Tokens: []octaskly.Token{
			{ID: "1", Kind: octaskly.LoginToken, User: "ann", Role: octaskly.RoleAdmin, From: "192.0.2.1", Secret: make([]byte, 32), Former: []byte{1}, CreatedAt: noon, UsedAt: noon, ExpiresAt: noon},
			{ID: "2", Kind: octaskly.MachineToken, User: "ann", Role: octaskly.RoleClient, Name: "ci", CreatedAt: noon, ExpiresAt: noon, RevokedAt: noon},
			{ID: "3", Kind: octaskly.MachineToken, User: "bob", Role: octaskly.RoleClient, Name: "ci", CreatedAt: noon, ExpiresAt: noon},
		},
		Keys: []octaskly.SigningKey{{ID: "k1", Sealed: []byte{0, 1}, CreatedAt: noon, RetiredAt: noon}, {ID: "k2", Sealed: []byte{2}, CreatedAt: noon}},
		Actions: []octaskly.Action{{At: noon, Who: "ann", Role: octaskly.RoleAdmin, Token: "1", From: "192.0.2.1", What: "user.create", Target: "bob",
			Outcome: octaskly.Done, Detail: "é"}},
	}
}

// What Record is given is there after a start, until it is removed.
func testAccounts(t *testing.T, open opener) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s, r := open(t, path), someRecords()
	if err := s.Record(ctx, r); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	checkAccounts(t, s, r.Users, r.Tokens, r.Keys)
	action, err := s.LastAction(ctx)
	same(t, "LastAction", &r.Actions[0], action, err)

	r.Users[1].Disabled = false
	err = s.Record(ctx, &Records{Users: r.Users[1:], RemovedUsers: []string{"ann", "nobody"}, RemovedTokens: []string{"9"}, RemovedKeys: []string{"k1"}})
	if err != nil {
		t.Fatal(err)
	}
	checkAccounts(t, s, r.Users[1:], r.Tokens[2:], r.Keys[1:]) // the tokens of ann went with her
	if err := s.Record(ctx, &Records{RemovedTokens: []string{"3"}}); err != nil {
		t.Fatal(err)
	}
	checkAccounts(t, s, r.Users[1:], nil, r.Keys[1:])
}

func checkAccounts(t *testing.T, s engine, users []octaskly.User, tokens []octaskly.Token, keys []octaskly.SigningKey) {
	t.Helper()
	gotUsers, err := s.Users(ctx)
	same(t, "Users", users, gotUsers, err)
	gotTokens, err := s.Tokens(ctx)
	same(t, "Tokens", tokens, gotTokens, err)
	gotKeys, err := s.SigningKeys(ctx)
	same(t, "SigningKeys", keys, gotKeys, err)
}

// Rows are found by whatever they are asked for by.
func testActions(t *testing.T, open opener) {
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	if last, err := s.LastAction(ctx); last != nil || err != nil {
		t.Errorf("before the first: %v, %v", last, err)
	}
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	put(t, s, &Changes{Actions: []octaskly.Action{
		{At: at(1), Who: "ann", What: "task.submit", Target: "1", Outcome: octaskly.Done},
		{At: at(2), Who: "bob", What: "task.cancel", Target: "1", Outcome: "denied"},
		{At: at(9), Who: "ann", What: "user.create", Target: "bob", Outcome: octaskly.Done}, // the clock was wrong
		{At: at(4), What: "session.login", Target: "ann", Outcome: "unknown"},
		{At: at(5), Who: "ann", What: "tasks", Target: "1", Outcome: octaskly.Done},
		{At: at(6), Who: "ann", What: "task.submit", Target: "2", Outcome: "full"},
	}})
	for _, test := range []struct {
		name  string
		query ActionQuery
		want  []int64
	}{
		{"all", ActionQuery{Limit: 9}, []int64{6, 5, 4, 3, 2, 1}},
		{"two", ActionQuery{Limit: 2}, []int64{6, 5}},
		{"none", ActionQuery{}, nil},
		{"fewer", ActionQuery{Limit: -1}, nil},
		{"older", ActionQuery{Before: 3, Limit: 9}, []int64{2, 1}},
		{"who", ActionQuery{Who: "ann", Limit: 9}, []int64{6, 5, 3, 1}},
		{"what", ActionQuery{What: "task.submit", Limit: 9}, []int64{6, 1}},
		{"all of tasks", ActionQuery{What: "task", Limit: 9}, []int64{6, 2, 1}},
		{"some of tasks", ActionQuery{What: "task", Limit: 2}, []int64{6, 2}},
		{"all of nothing", ActionQuery{What: "tas", Limit: 9}, nil},
		{"target", ActionQuery{Target: "1", Limit: 9}, []int64{5, 2, 1}},
		{"done", ActionQuery{Outcome: octaskly.Done, Limit: 9}, []int64{5, 3, 1}},
		{"refused", ActionQuery{Outcome: Refused, Limit: 9}, []int64{6, 4, 2}},
		{"denied", ActionQuery{Outcome: "denied", Limit: 9}, []int64{2}},
		{"since", ActionQuery{Since: at(5), Limit: 9}, []int64{6, 5, 3}},
		{"until", ActionQuery{Until: at(5), Limit: 9}, []int64{4, 2, 1}},
		{"a second", ActionQuery{Since: at(5), Until: at(6), Limit: 9}, []int64{5}},
		{"no time", ActionQuery{Since: at(6), Until: at(5), Limit: 9}, nil},
		{"everything", ActionQuery{Who: "ann", What: "task", Target: "2", Outcome: Refused, Since: at(6), Until: at(7), Before: 7, Limit: 9}, []int64{6}},
		{"almost", ActionQuery{Who: "ann", What: "task", Target: "1", Outcome: Refused, Limit: 9}, nil},
		{"no SQL", ActionQuery{Who: "ann' OR 1", What: "x' OR '1", Limit: 9}, nil},
	} {
		got, err := s.Actions(ctx, test.query)
		same(t, test.name, test.want, numbersOf(got), err)
	}
}

func numbersOf(actions []octaskly.Action) (seqs []int64) {
	for _, a := range actions {
		seqs = append(seqs, a.Seq)
	}
	return seqs
}

// More rows than a stride and than a span that is searched by time.
func testLongLog(t *testing.T, open opener) {
	const rows = maxSpan + 3000
	s := open(t, filepath.Join(t.TempDir(), "octaskly.db"))
	c := &Changes{}
	for i := range rows {
		a := octaskly.Action{At: fromMicros(int64(i*7919%rows) + 1), Who: "ann", What: "task.submit", Target: fmt.Sprint(i % 5000), Outcome: octaskly.Done}
		if i%7 == 0 || i < 1500 {
			a.Who = "bob"
		}
		if i%11 == 0 {
			a.What, a.Outcome = "task.cancel", "denied"
		}
		c.Actions = append(c.Actions, a)
	}
	put(t, s, c)
	for _, q := range []ActionQuery{
		{}, {Who: "bob"}, {Who: "ann", What: "task.cancel"}, {Who: "bob", Outcome: Refused}, {Who: "bob", What: "task.submit", Outcome: octaskly.Done},
		{Who: "ann", What: "task", Target: "22"}, {Since: fromMicros(100), Who: "bob"}, {Since: fromMicros(rows - 100)}, {Until: fromMicros(100), Who: "ann"},
		{Since: fromMicros(500), Until: fromMicros(900), What: "task.cancel"}, {Who: "carol", What: "task.submit"}, {Who: "ann", Before: 4000, Outcome: "denied"},
	} {
		for _, q.Limit = range []int{10, MaxActions, rows} {
			var want []int64
			for i := range slices.Backward(c.Actions) {
				if a := &c.Actions[i]; q.fits(a) && len(want) < min(q.Limit, MaxActions) {
					want = append(want, a.Seq)
				}
			}
			got, err := s.Actions(ctx, q)
			same(t, fmt.Sprintf("%+v", q), want, numbersOf(got), err)
		}
	}
}
