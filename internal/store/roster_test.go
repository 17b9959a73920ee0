package store

import (
	"path/filepath"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sqlitefile"
)

// someRoster is some of each.
func someRoster() Roster {
	return Roster{
		Identities: []octaskly.Identity{
			{Serial: "0a", Worker: "w", Name: "node", How: "key", Key: make([]byte, 32), IssuedAt: noon, ExpiresAt: noon},
			{Serial: "0b", Worker: "v", Name: "node2", How: "approved by ann", Key: []byte{1}, IssuedAt: noon, ExpiresAt: noon, RevokedAt: noon},
		},
		Invites: []octaskly.Invite{
			{ID: "1", Name: "node", By: "ann", CreatedAt: noon, ExpiresAt: noon, UsedBy: "w", UsedKey: make([]byte, 32), UsedAt: noon},
			{ID: "2", By: "bob", CreatedAt: noon, ExpiresAt: noon, RevokedAt: noon},
		},
		Removals: []octaskly.Removal{{Worker: "u", Name: "node", By: "ann", At: noon}, {Worker: "v", Name: "node2", By: "bob", At: noon}},
	}
}

// What a roster is given is there after a start, until it is removed, whether it was
// written by itself or with a removal of a worker.
func testRoster(t *testing.T, open opener) {
	path := filepath.Join(t.TempDir(), "octaskly.db")
	s, r := open(t, path), someRoster()
	if err := s.Record(ctx, &Records{Roster: r}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	checkRoster(t, s, r)

	r.Identities[0].RevokedAt = noon
	put(t, s, &Changes{Roster: Roster{Identities: r.Identities[:1], RemovedIdentities: []string{"0b", "none"}, Removals: r.Removals[1:]}})
	if err := s.Record(ctx, &Records{Roster: Roster{RemovedInvites: []string{"1"}, Readmitted: []octaskly.WorkerID{"u", "none"}}}); err != nil {
		t.Fatal(err)
	}
	r.Identities, r.Invites, r.Removals = r.Identities[:1], r.Invites[1:], r.Removals[1:]
	checkRoster(t, s, r)
}

func checkRoster(t *testing.T, s engine, want Roster) {
	t.Helper()
	identities, err := s.Identities(ctx)
	same(t, "Identities", want.Identities, identities, err)
	invites, err := s.Invites(ctx)
	same(t, "Invites", want.Invites, invites, err)
	removals, err := s.Removals(ctx)
	same(t, "Removals", want.Removals, removals, err)
}

// What was revoked or used stays so, what may have been deleted before lets nobody
// in, and who was removed stays out.
func TestSalvageLetsNobodyIn(t *testing.T) {
	db := connect(filepath.Join(t.TempDir(), "octaskly.db"), 100, "")
	defer db.Close()
	if err := migrate(ctx, db, quiet); err != nil {
		t.Fatal(err)
	}
	c, err := newCopier(ctx, nil, db)
	if err != nil {
		t.Fatal(err)
	}
	identity := func(serial string, revoked int64) sqlitefile.Row {
		return sqlitefile.Row{Values: []any{serial, "w", "node", "key", []byte{1}, int64(1), int64(9), revoked}}
	}
	invite := func(id string, used, revoked int64) sqlitefile.Row {
		return sqlitefile.Row{Values: []any{id, "", "ann", int64(1), int64(9), "", []byte{}, used, revoked}}
	}
	removal := sqlitefile.Row{Values: []any{"w", "node", "ann", int64(1)}}
	for _, row := range []sqlitefile.Row{
		identity("revoked", 0), identity("revoked", 5), identity("revoked", 0),
		invite("used", 0, 0), invite("used", 3, 0), invite("used", 0, 0),
		invite("revoked", 0, 7), invite("revoked", 8, 0),
	} {
		if err := c.put(ctx, c.shapeOf(row, true), row); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []sqlitefile.Row{identity("doubtful", 0), invite("doubtful", 0, 0), removal} {
		if err := c.doubt(ctx, c.shapeOf(row, true), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.into.end(nil); err != nil {
		t.Fatal(err)
	}
	identities, err := list(ctx, db, identityFields, `SELECT `+identityColumns+` FROM identities i`)
	if err != nil || len(identities) != 1 || identities[0].RevokedAt.IsZero() {
		t.Errorf("identities are %+v, %v", identities, err)
	}
	invites, err := list(ctx, db, inviteFields, `SELECT `+inviteColumns+` FROM invites v ORDER BY v.id`)
	if err != nil || len(invites) != 2 || invites[0].RevokedAt.IsZero() || invites[1].UsedAt.IsZero() {
		t.Errorf("invites are %+v, %v", invites, err)
	}
	removals, err := list(ctx, db, removalFields, `SELECT `+removalColumns+` FROM removed_workers r`)
	if err != nil || len(removals) != 1 {
		t.Errorf("removals are %+v, %v", removals, err)
	}
}
