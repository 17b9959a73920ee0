package roster

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// A copy of a database lets nobody in by what may have been revoked since, unless
// that is wished; who was removed stays out of both.
func TestCopied(t *testing.T) {
	for _, keep := range []bool{false, true} {
		r := newRig(t)
		m, gone := newMachine(t, "w1"), newMachine(t, "w2")
		i, err := r.joinByKey(m)
		r.must(err)
		made, err := r.Invite(t.Context(), root, &api.NewInvite{})
		r.must(err)
		r.must(r.Remove(t.Context(), octaskly.Removal{Worker: gone.ID, Name: "w2", At: clock()}, r.commit))
		r.must(r.store.Close())
		copied := r.path + ".copy"
		r.must(store.Backup(t.Context(), r.path, copied))
		_, _, err = store.Restored(t.Context(), copied, keep)
		r.must(err)
		r.path = copied
		r.start()
		if err := r.Admit(session(i, m)); keep && err != nil || !keep && !errors.Is(err, transport.ErrRevoked) {
			t.Errorf("kept %v: %v", keep, err)
		}
		if _, err := r.joinByInvite(newMachine(t, "w3"), made.Token); (err == nil) != keep {
			t.Errorf("kept %v: by an invite: %v", keep, err)
		}
		r.refused(r.Judge(nil, gone.ID, "w2"), octaskly.ErrDenied)
		if said := strings.Contains(strings.Join(r.audit(9), "\n"), "worker.revoke * done the database is a copy, as of a backup that was restored: 1 certificates of workers and 1 invites ended"); said == keep {
			t.Errorf("kept %v: %q", keep, r.audit(9))
		}
		r.restart() // accounts have not settled it: once more, nothing is left to end
		if n := strings.Count(strings.Join(r.audit(9), "\n"), "worker.revoke"); keep && n != 0 || !keep && n != 1 {
			t.Errorf("kept %v: %d rows", keep, n)
		}
		os.Remove(copied)
	}
}

// Where a write fails nobody knows what is on disk: it is read again before the next
// change, and what memory had before counts until then.
func TestFailedWrite(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	broken := &failing{Store: r.store}
	r.Roster.store = broken
	broken.err = errors.New("disk")
	if _, err := r.joinByKey(m); err == nil {
		t.Error("it has joined, and nothing is on disk")
	}
	_, err := r.Invite(t.Context(), root, &api.NewInvite{})
	r.refused(err, octaskly.ErrUnavailable)
	broken.err = nil
	r.must(r.store.Record(t.Context(), &store.Records{Roster: store.Roster{Invites: []octaskly.Invite{{ID: "written", ExpiresAt: clock().Add(time.Hour)}}}}))
	i, err := r.joinByKey(m)
	r.must(err)
	r.must(r.Admit(session(i, m)))
	if r.book.invite("written") == nil {
		t.Error("it was not read again")
	}
}

// failing is a store that cannot write.
type failing struct {
	*store.Store
	err error
}

func (f *failing) Record(ctx context.Context, r *store.Records) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Record(ctx, r)
}

// What has ended goes after a week, and not before.
func TestSweep(t *testing.T) {
	r := newRig(t)
	now := clock()
	r.book.apply(&store.Roster{
		Identities: []octaskly.Identity{{Serial: "old", ExpiresAt: now.Add(-overKept - time.Minute)}, {Serial: "over", ExpiresAt: now.Add(-overKept + time.Minute)}},
		Invites:    []octaskly.Invite{{ID: "old", ExpiresAt: now.Add(-overKept - time.Minute)}, {ID: "over", ExpiresAt: now.Add(-overKept + time.Minute)}},
	})
	r.must(r.store.Record(t.Context(), &store.Records{Roster: store.Roster{Identities: []octaskly.Identity{{Serial: "old"}}, Invites: []octaskly.Invite{{ID: "old"}}}}))
	r.must(r.sweep(t.Context()))
	identities, err := r.store.Identities(t.Context())
	r.must(err)
	invites, err := r.store.Invites(t.Context())
	r.must(err)
	if len(identities)+len(invites) != 0 || r.book.identity("old") != nil || r.book.invite("old") != nil || r.book.identity("over") == nil || r.book.invite("over") == nil {
		t.Errorf("%v, %v", identities, invites)
	}
}
