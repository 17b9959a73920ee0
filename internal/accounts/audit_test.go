package accounts

import (
	"errors"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// Who changes something has a row in the very commit that changes it.
func TestRowsAreInTheCommit(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleDispatcher)
	r.login("ann")
	m, ctx := r.machine("ann", ""), t.Context()
	steps := []struct {
		what, target, detail string
		call                 func(api.Caller) error
	}{
		{"user.create", "bob", "role client, with a password, quota queued=3 running=0 submits_per_second=0", func(c api.Caller) error {
			_, err := r.CreateUser(ctx, c, &api.NewUser{Name: "bob", Password: password, Quota: api.Quota{Queued: 3}})
			return err
		}},
		{"user.change", "ann", "role client, was dispatcher, password set, disabled, 1 logins ended", func(c api.Caller) error {
			_, err := r.ChangeUser(ctx, c, "ann", &api.UserChange{Role: "client", Password: new(password), Disabled: new(true)})
			return err
		}},
		{"user.change", "ann", "enabled", func(c api.Caller) error {
			_, err := r.ChangeUser(ctx, c, "ann", &api.UserChange{Disabled: new(false)})
			return err
		}},
		{"token.create", "", "", func(c api.Caller) error {
			made, err := r.CreateToken(ctx, c, &api.NewToken{User: "ann"})
			if err == nil && c.Act.Target != made.ID {
				t.Errorf("the row is about %q, the token is %q", c.Act.Target, made.ID)
			}
			return err
		}},
		{"token.revoke", m.ID, "", func(c api.Caller) error { _, err := r.RevokeToken(ctx, c, m.ID); return err }},
		{"user.remove", "bob", "was a client; 0 tokens went, too", func(c api.Caller) error { _, err := r.RemoveUser(ctx, c, "bob"); return err }},
		{"key.rotate", "", "1 retired keys stay, 0 removed", func(c api.Caller) error { _, err := r.RotateKeys(ctx, c); return err }},
	}
	for _, step := range steps {
		commits := r.store.commits
		who, a := act(root, step.what)
		r.must(step.call(who))
		row := r.store.actions[len(r.store.actions)-1]
		if r.store.commits != commits+1 || len(r.store.rows(step.what)) == 0 || !a.Written {
			t.Errorf("%s: %d commits, written %v", step.what, r.store.commits-commits, a.Written)
		}
		if row.What != step.what || row.Outcome != octaskly.Done || row.Who != "root" || row.At.IsZero() || a.Outcome != octaskly.Done || a.Seq != row.Seq {
			t.Errorf("%s: the row is %+v", step.what, row)
		}
		if step.target != "" && row.Target != step.target || step.detail != "" && row.Detail != step.detail {
			t.Errorf("%s: the row is about %q: %q", step.what, row.Target, row.Detail)
		}
	}
	rows := len(r.store.actions)
	r.user("eve", octaskly.RoleClient) // nobody asked for a row
	if len(r.store.actions) != rows {
		t.Error("there is a row without an action")
	}
}

// What cannot be written has not happened, and its row is left to the handler.
func TestNothingWithoutTheStore(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	s := r.login("ann")
	r.store.fail = store.ErrDiskFull
	who, a := act(root, "user.change")
	_, err := r.ChangeUser(t.Context(), who, "ann", &api.UserChange{Disabled: new(true)})
	r.refused(err, store.ErrDiskFull)
	if a.Written || a.Target != "ann" || a.Outcome != "" {
		t.Errorf("the action is %+v", a)
	}
	r.enters(s.Access, octaskly.RoleClient)
	_, err = r.refresh(s.Refresh)
	r.refused(err, store.ErrDiskFull)
	r.store.fail = nil
	_, err = r.refresh(s.Refresh) // it was not used
	r.must(err)
}

// A write that has failed and is on disk all the same is seen before the next change.
func TestFailedWriteThatWas(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	s, m := r.login("ann"), r.machine("ann", "")
	r.store.fail, r.store.lose = errors.New("who knows"), true
	_, err := r.RevokeToken(t.Context(), root, m.ID)
	r.refused(err, r.store.fail)
	_, err = r.RotateKeys(t.Context(), root)
	r.refused(err, r.store.fail) // neither can be read again
	r.store.fail = nil
	r.user("bob", octaskly.RoleClient)
	r.stays(m.Secret)
	r.enters(s.Access, octaskly.RoleClient)
	r.store.fail = errors.New("who knows")
	_, err = r.RotateKeys(t.Context(), root)
	r.refused(err, r.store.fail)
	r.store.fail = nil
	next := r.login("bob")
	r.enters(next.Access, octaskly.RoleClient)
	if ids := r.ring.IDs(); len(ids) != 2 || len(r.store.keys) != 2 || ids[0] != r.keys[0].ID {
		t.Errorf("the keys are %v", ids)
	}
}

func TestAudit(t *testing.T) {
	r := newRig(t)
	_, err := r.Anchor(t.Context(), root)
	r.refused(err, octaskly.ErrNotFound)
	for _, name := range []string{"ann", "bob"} {
		who, _ := act(root, "user.create")
		_, err := r.CreateUser(t.Context(), who, &api.NewUser{Name: name})
		r.must(err)
	}
	rows, err := r.Audit(t.Context(), root, api.AuditFilter{})
	r.must(err)
	if len(rows) != 2 || rows[0].Target != "bob" || rows[0].Role != octaskly.RoleAdmin || len(rows[0].Hash) != 64 {
		t.Errorf("the log is %+v", rows)
	}
	anchor, err := r.Anchor(t.Context(), root)
	r.must(err)
	if anchor.Seq != 2 || anchor.Hash != rows[0].Hash {
		t.Errorf("the anchor is %+v", anchor)
	}
	report, err := r.VerifyAudit(t.Context(), root, anchor)
	r.must(err)
	if !report.Intact || report.Rows != 2 || *report.Last != *anchor {
		t.Errorf("the report is %+v", report)
	}
	anchor.Hash = strings.Repeat("0", 64)
	if report, err = r.VerifyAudit(t.Context(), root, anchor); err != nil || report.Intact || len(report.Faults) != 100 {
		t.Errorf("the report is %+v (%v)", report, err)
	}
	for field, anchor := range map[string]*api.Anchor{"seq": {Hash: anchor.Hash}, "hash": {Seq: 1, Hash: "12"}} {
		_, err := r.VerifyAudit(t.Context(), root, anchor)
		r.field(err, field)
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ann": "ann", "a\nb\x1b[2J": "a?b?[2J", "a\xffb": "ab", "0123456789ab": "0123456789ab",
		"0123456789abc": "012345678…", "éééééééé": "éééé…",
	} {
		if got := clip(text, 12); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
