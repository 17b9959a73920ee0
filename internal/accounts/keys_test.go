package accounts

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
)

func recordsOf(tokens ...octaskly.Token) *store.Records { return &store.Records{Tokens: tokens} }

func (r *rig) rotated() []string {
	r.t.Helper()
	keys, err := r.RotateKeys(r.t.Context(), root)
	r.must(err)
	if ids := r.ring.IDs(); !slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(keys.IDs))) || ids[0] != keys.IDs[0] {
		r.t.Fatalf("the keys are said to be %v and are %v", keys.IDs, ids)
	}
	if _, _, n, _ := r.store.size(); n != len(keys.IDs) {
		r.t.Fatalf("%d keys are kept of %d", n, len(keys.IDs))
	}
	return keys.IDs
}

// Rotation logs nobody out.
func TestRotate(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s, m := r.login("ann"), r.machine("ann", "")
		time.Sleep(time.Second) // else either key may have signed them
		first := r.rotated()
		if len(first) != 2 {
			t.Fatalf("the keys are %v", first)
		}
		time.Sleep(accessLife - 2*time.Second)
		if early := r.rotated(); len(early) != 3 {
			t.Fatalf("the keys are %v", early)
		}
		r.restart() // which remembers no signature
		r.enters(s.Access, octaskly.RoleClient)
		r.enters(m.Secret, octaskly.RoleClient)
		time.Sleep(accessLife + 2*time.Minute)
		second := r.rotated() // the machine token needs the oldest
		if len(second) != 3 || second[2] != first[1] {
			t.Fatalf("the keys are %v, after %v", second, first)
		}
		time.Sleep(accessLife + 2*time.Minute)
		if third := r.rotated(); len(third) != 3 || third[2] != first[1] || third[1] != second[0] {
			t.Fatalf("the keys are %v, after %v", third, second)
		}
		r.restart()
		r.enters(m.Secret, octaskly.RoleClient)
		_, err := r.RevokeToken(t.Context(), root, m.ID)
		r.must(err)
		time.Sleep(accessLife + 2*time.Minute)
		if last := r.rotated(); len(last) != 2 {
			t.Fatalf("the keys are %v", last)
		}
		s, err = r.refresh(s.Refresh)
		r.must(err)
		r.enters(s.Access, octaskly.RoleClient)
	})
}

// A retired key stays for as long as an access token of a login may live.
func TestRotateTwice(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s := r.login("ann")
		time.Sleep(time.Second)
		r.rotated()
		time.Sleep(accessLife - 3*time.Second)
		if keys := r.rotated(); len(keys) != 3 {
			t.Errorf("the keys are %v", keys)
		}
		r.restart() // which remembers no signature
		r.enters(s.Access, octaskly.RoleClient)
	})
}

// What expires with nobody rotating anything goes by itself.
func TestSweptKeys(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		m := r.machine("ann", "")
		r.rotated()
		time.Sleep(machineLife - time.Minute)
		r.enters(m.Secret, octaskly.RoleClient)
		time.Sleep(2 * sweepEvery)
		if _, _, n, _ := r.store.size(); n != 1 || len(r.ring.IDs()) != 1 {
			t.Errorf("there are %d keys", n)
		}
	})
}

func TestManyKeys(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		for range maxKeys - 1 {
			r.machine("ann", "")
			r.rotated()
			time.Sleep(time.Hour)
		}
		r.machine("ann", "")
		_, err := r.RotateKeys(t.Context(), root)
		r.refused(err, octaskly.ErrFull)
		tokens, err := r.Tokens(t.Context(), root, true, api.Page{})
		r.must(err)
		_, err = r.RevokeToken(t.Context(), root, tokens[len(tokens)-1].ID)
		r.must(err)
		r.rotated()
	})
}

// A clock that was set back takes no key from the tokens that it has signed.
func TestKeysAndClocks(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		future := r.keys[0]
		future.CreatedAt = clock().Add(24 * time.Hour) // the clock was a day ahead when it was made
		r.must(r.store.Record(t.Context(), &store.Records{Keys: []octaskly.SigningKey{future}}))
		r.restart()
		m := r.machine("ann", "")
		r.enters(m.Secret, octaskly.RoleClient)
		for range 3 {
			r.rotated()
			time.Sleep(20 * time.Hour)
			r.restart() // which remembers no signature
			r.enters(m.Secret, octaskly.RoleClient)
		}
		m = r.machine("ann", "")
		ahead := r.store.token(m.ID)
		ahead.CreatedAt = clock().Add(24 * time.Hour) // or was when that was made
		r.must(r.store.Record(t.Context(), recordsOf(ahead)))
		for range 3 {
			r.restart()
			r.enters(m.Secret, octaskly.RoleClient)
			r.rotated()
			time.Sleep(20 * time.Hour)
		}
	})
}

func TestOtherFleetKey(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s, m, former := r.login("ann"), r.machine("ann", ""), r.fleet
		r.fleet = security.NewKeys(security.GenerateKey())
		r.restart()
		r.stays(s.Access)
		r.stays(m.Secret)
		_, err := r.refresh(s.Refresh)
		r.refused(err, octaskly.ErrUnknown)
		if rows := r.store.rows("key.rotate"); len(rows) != 1 || !strings.Contains(rows[0].Detail, "1 logins ended") {
			t.Errorf("the audit log says %+v", rows)
		}
		if !strings.Contains(r.log.String(), "cannot open a signing key") {
			t.Errorf("the log says %s", r.log)
		}
		next := r.login("ann")
		r.restart() // the lost key is retired now, and ends nothing more
		r.enters(next.Access, octaskly.RoleClient)
		r.rotated2(2)

		r.fleet = former
		r.restart()
		r.enters(m.Secret, octaskly.RoleClient)
		r.stays(next.Access)
	})
}

// When the fleet key is rotated nothing ends, and the former one is soon of no use.
func TestRotatedFleetKey(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s, m := r.login("ann"), r.machine("ann", "")
		r.rotated() // so that there is a retired key, too
		rotated, err := r.fleet.Rotated(true, time.Now())
		r.must(err)
		r.fleet = rotated
		r.restart()
		r.enters(s.Access, octaskly.RoleClient)
		r.enters(m.Secret, octaskly.RoleClient)
		next, err := r.refresh(s.Refresh)
		r.must(err)

		r.fleet = security.NewKeys(rotated.Present())
		r.restart()
		r.enters(next.Access, octaskly.RoleClient)
		r.enters(m.Secret, octaskly.RoleClient)
		_, err = r.refresh(next.Refresh)
		r.must(err)
		if strings.Contains(r.log.String(), "cannot open a signing key") {
			t.Errorf("the log says %s", r.log)
		}
	})
}

// rotated2 rotates where the ring has fewer keys than the store.
func (r *rig) rotated2(lost int) {
	r.t.Helper()
	keys, err := r.RotateKeys(r.t.Context(), root)
	r.must(err)
	if len(keys.IDs) != lost+1 {
		r.t.Fatalf("the keys are %v", keys.IDs)
	}
}

func TestDamagedKey(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	for _, sealed := range [][]byte{{}, []byte("short"), []byte(strings.Repeat("x", 200))} {
		s := r.login("ann")
		key := r.keys[0]
		key.Sealed = sealed
		r.must(r.store.Record(t.Context(), &store.Records{Keys: []octaskly.SigningKey{key}}))
		r.restart()
		r.stays(s.Access)
		r.enters(r.login("ann").Access, octaskly.RoleClient)
	}
}

// A key moved to another's row is not taken for it.
func TestSwappedKeys(t *testing.T) {
	r := newRig(t)
	r.rotated()
	x, y := r.keys[0], r.keys[1]
	x.Sealed, y.Sealed = y.Sealed, x.Sealed
	r.must(r.store.Record(t.Context(), &store.Records{Keys: []octaskly.SigningKey{x, y}}))
	r.restart()
	if ids := r.ring.IDs(); len(ids) != 1 || ids[0] == x.ID || ids[0] == y.ID {
		t.Errorf("the keys are %v, after %s and %s", ids, x.ID, y.ID)
	}
}

func TestNewFails(t *testing.T) {
	s := newFakeStore()
	s.fail = errors.New("no disk")
	_, err := New(Config{Store: s, Keys: security.NewKeys(security.GenerateKey())})
	if !errors.Is(err, s.fail) {
		t.Errorf("error is %v", err)
	}
}
