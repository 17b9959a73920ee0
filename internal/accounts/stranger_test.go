package accounts

import (
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A password that was typed as the name is not kept.
func TestNamesOfNobodyAreNotKept(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	for _, row := range []struct{ what, target, outcome, want string }{
		{"session.login", "ann", "unauthorized", "ann"},
		{"session.login", "hunter2 hunter2", "unauthorized", unknownUser},
		{"session.login", "hunter2 hunter2", "full", unknownUser},
		{"session.login", "Ann", "unauthorized", unknownUser},
		{"session.login", "", "bad-input", ""},
		{"user.remove", "bob", "not-found", "bob"},
	} {
		before := len(r.store.rows(row.what))
		r.must(r.Record(t.Context(), &octaskly.Action{What: row.what, Target: row.target, Outcome: row.outcome, From: row.target}))
		rows := r.store.rows(row.what)
		if len(rows) != before+1 || rows[before].Target != row.want {
			t.Errorf("%+v: %+v", row, rows)
		}
	}
}
