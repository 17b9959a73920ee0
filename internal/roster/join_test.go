package roster

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// Who has the fleet key joins, and is known after a restart, until its certificate is
// revoked with its removal; an approval lets it join again.
func TestKey(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	i, err := r.joinByKey(m)
	r.must(err)
	r.must(r.Admit(session(i, m)))
	r.must(r.Judge(session(i, m), m.ID, m.Name))
	r.restart()
	r.must(r.Admit(session(i, m)))
	if rows := r.audit(1); !strings.HasPrefix(rows[0], " worker.join w1 done by key; id "+string(m.ID)) {
		t.Errorf("the audit log says %q", rows)
	}

	r.must(r.Remove(t.Context(), octaskly.Removal{Worker: m.ID, Name: "w1", By: "ann", At: clock()}, r.commit))
	for range 2 {
		r.refused(r.Admit(session(i, m)), transport.ErrRemoved)
		r.refused(r.Judge(nil, m.ID, m.Name), octaskly.ErrDenied)
		if _, err := r.joinByKey(m); err == nil || !strings.Contains(err.Error(), "octasklyctl worker approve w1") {
			t.Errorf("a removed worker: %v", err)
		}
		if _, _, err := r.Renew(t.Context(), session(i, m)); err == nil {
			t.Error("a removed worker renews its certificate")
		}
		late := &joining.Application{ID: m.ID, Name: m.Name, Way: joining.ByKey, Key: &m.Key.PublicKey, SPKI: i.Certificate.RawSubjectPublicKeyInfo}
		if _, err := r.Issue(t.Context(), late); !errors.Is(err, octaskly.ErrDenied) { // it was allowed before
			t.Errorf("a removed worker is given a certificate: %v", err)
		}
		r.restart()
	}
	pending, err := r.Pending(t.Context(), root)
	if err != nil || len(pending) != 1 || pending[0].State != "removed" || pending[0].By != "ann" {
		t.Errorf("pending: %+v, %v", pending, err)
	}
	page, err := r.Approve(t.Context(), acting("worker.approve"), "w1", "")
	if err != nil || page.State != "readmitted" || r.audit(1)[0] != "root worker.approve w1 done its removal is lifted; id "+string(m.ID) {
		t.Errorf("%+v, %v, %q", page, err, r.audit(1))
	}
	r.restart()
	r.refused(r.Admit(session(i, m)), transport.ErrRevoked)
	r.refused(r.Judge(session(i, m), m.ID, m.Name), transport.ErrRevoked)
	i, err = r.joinByKey(m)
	r.must(err)
	r.must(r.Admit(session(i, m)))
}

// commit is what a dispatcher does.
func (r *rig) commit(rows *store.Roster) error {
	return r.store.Record(r.t.Context(), &store.Records{Roster: *rows})
}

// Who was not removed, since that could not be written, stays.
func TestRemovalFails(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	i, err := r.joinByKey(m)
	r.must(err)
	failed := errors.New("disk")
	err = r.Remove(t.Context(), octaskly.Removal{Worker: m.ID, Name: "w1", At: clock()}, func(*store.Roster) error {
		r.refused(r.Admit(session(i, m)), transport.ErrRemoved) // at once
		return failed
	})
	r.refused(err, failed)
	r.must(r.Admit(session(i, m)))
	r.restart()
	r.must(r.Admit(session(i, m)))
}

// An invite lets one machine in, once, which may ask again when the answer was lost.
func TestInvite(t *testing.T) {
	r := newRig(t)
	r.SetPolicy(Policy{}) // the key is not enough
	m, other := newMachine(t, "w1"), newMachine(t, "w2")
	if _, err := r.joinByKey(m); err == nil {
		t.Error("the key lets it in")
	}
	made, err := r.Invite(t.Context(), acting("invite.create"), &api.NewInvite{Name: "w1", Expires: new(api.Seconds(time.Hour))})
	r.must(err)
	if log := strings.Join(r.audit(9), "\n") + r.log.String(); strings.Contains(log, made.Token) || !strings.Contains(log, "root invite.create "+made.ID+" done for worker w1 until ") {
		t.Errorf("the logs say %s", log)
	}
	if _, err := r.joinByInvite(other, made.Token); err == nil {
		t.Error("a worker of another name")
	}
	r.restart()
	r.SetPolicy(Policy{})
	var certificates []*joining.Identity
	for range 2 {
		i, err := r.joinByInvite(m, made.Token)
		r.must(err)
		r.must(r.Admit(session(i, m)))
		certificates = append(certificates, i)
	}
	if certificates[0].Certificate.SerialNumber.Cmp(certificates[1].Certificate.SerialNumber) == 0 {
		t.Error("one certificate twice")
	}
	stranger := newMachine(t, "w1") // the same name and id, with another key
	if _, err := r.joinByInvite(stranger, made.Token); err == nil {
		t.Error("it is good twice")
	}
	list, err := r.Invites(t.Context(), root)
	if err != nil || len(list) != 1 || list[0].State != "used" || list[0].UsedBy != string(m.ID) {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = r.RevokeInvite(t.Context(), root, made.ID)
	r.refused(err, octaskly.ErrConflict)
	if rows := r.audit(1); !strings.Contains(rows[0], "worker.join w1 done by invite "+made.ID+" of root; id ") {
		t.Errorf("the audit log says %q", rows)
	}
}

// An invite is no way to become a worker that is there.
func TestInviteOfAnother(t *testing.T) {
	r := newRig(t)
	m, thief := newMachine(t, "w1"), newMachine(t, "w1")
	if m.ID != thief.ID {
		t.Fatal("they have ids of their own")
	}
	_, err := r.joinByKey(m)
	r.must(err)
	made, err := r.Invite(t.Context(), root, &api.NewInvite{})
	r.must(err)
	var refusal *joining.Refusal
	if _, err := r.joinByInvite(thief, made.Token); !errors.As(err, &refusal) || !strings.Contains(refusal.Why, "certificate for another key") {
		t.Errorf("a thief of the id hears %v", err)
	}
	if list, _ := r.Invites(t.Context(), root); len(list) != 1 || list[0].State != "open" {
		t.Errorf("%+v", list)
	}
	_, err = r.joinByInvite(m, made.Token)
	r.must(err)
}

func TestRevokedInvite(t *testing.T) {
	r := newRig(t)
	made, err := r.Invite(t.Context(), root, &api.NewInvite{})
	r.must(err)
	page, err := r.RevokeInvite(t.Context(), acting("invite.revoke"), made.ID)
	if err != nil || page.State != "revoked" || r.audit(1)[0] != "root invite.revoke "+made.ID+" done " {
		t.Errorf("%+v, %v, %q", page, err, r.audit(1))
	}
	if _, err := r.joinByInvite(newMachine(t, "w1"), made.Token); err == nil || !strings.Contains(err.Error(), "is revoked") {
		t.Errorf("it lets one in: %v", err)
	}
	_, err = r.RevokeInvite(t.Context(), root, "none")
	r.refused(err, octaskly.ErrNotFound)
}

// Names that are not on the list come in by no way.
func TestAllowlist(t *testing.T) {
	r := newRig(t)
	web, db := newMachine(t, "web-1"), newMachine(t, "db1")
	i, err := r.joinByKey(db)
	r.must(err)
	r.SetPolicy(Policy{Allow: []string{"web-*", "cache[0-9]"}, Key: true})
	if _, err := r.joinByKey(web); err != nil {
		t.Error(err)
	}
	if _, err := r.joinByKey(db); err == nil || !strings.Contains(err.Error(), "add it to allow") {
		t.Errorf("%v", err)
	}
	r.must(r.Admit(session(i, db)))
	r.refused(r.Judge(session(i, db), db.ID, "db1"), octaskly.ErrDenied)
	r.refused(r.Judge(nil, db.ID, "db1"), octaskly.ErrDenied)
	r.must(r.Judge(nil, "x", "cache7"))
	_, err = r.Invite(t.Context(), root, &api.NewInvite{Name: "db1"})
	r.refused(err, octaskly.ErrDenied)
}

// A session's worker is whom its certificate names.
func TestJudgeIdentity(t *testing.T) {
	r := newRig(t)
	m, other := newMachine(t, "w1"), newMachine(t, "w2")
	i, err := r.joinByKey(m)
	r.must(err)
	r.refused(r.Judge(session(i, m), other.ID, m.Name), octaskly.ErrDenied)
	r.refused(r.Judge(session(i, m), m.ID, other.Name), octaskly.ErrDenied)
	r.refused(r.Admit(&transport.Identity{ID: other.ID, Name: m.Name, Certificate: i.Certificate}), transport.ErrRevoked)
	stranger, err := security.NewAuthority(time.Now())
	r.must(err)
	forged, err := stranger.IssueWorker(&m.Key.PublicKey, string(m.ID), m.Name, time.Hour, time.Now())
	r.must(err)
	r.refused(r.Admit(&transport.Identity{ID: m.ID, Name: m.Name, Certificate: forged}), transport.ErrRevoked)
	r.SetPolicy(Policy{})
	r.refused(r.Judge(nil, m.ID, m.Name), octaskly.ErrDenied)
	r.must(r.Judge(session(i, m), m.ID, m.Name))
}

// A certificate is renewed for the same key, and both are good; of too many the
// oldest ends, and there is a bound for each hour.
func TestRenew(t *testing.T) {
	r := newRig(t)
	m := newMachine(t, "w1")
	i, err := r.joinByKey(m)
	r.must(err)
	fresh, authority, err := r.Renew(t.Context(), session(i, m))
	r.must(err)
	next, err := i.Renewed(fresh.Raw, authority.Raw, time.Now())
	r.must(err)
	r.restart()
	r.must(r.Admit(session(next, m)))
	r.must(r.Admit(session(i, m)))
	if rows := r.audit(1); !strings.HasPrefix(rows[0], " worker.renew w1 done renewed; id ") {
		t.Errorf("the audit log says %q", rows)
	}
	for n := range maxEachHour {
		if _, _, err = r.Renew(t.Context(), session(i, m)); err != nil && n < maxEachHour-2 {
			t.Fatal(n, err)
		}
	}
	r.refused(err, octaskly.ErrFull)
}

// Bad wishes are refused with their field, and what is over makes room.
func TestInviteBounds(t *testing.T) {
	r := newRig(t)
	for field, how := range map[string]*api.NewInvite{
		"name":       {Name: strings.Repeat("x", maxName+1)},
		"expires_in": {Expires: new(api.Seconds(maxLife + time.Second))},
	} {
		_, err := r.Invite(t.Context(), root, how)
		if bad, is := errors.AsType[*octaskly.FieldError](err); !is || bad.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	now, all := clock(), &store.Roster{}
	for n := range maxInvites {
		all.Invites = append(all.Invites, octaskly.Invite{ID: fmt.Sprint(n), CreatedAt: now.Add(time.Duration(n)), ExpiresAt: now})
	}
	for n := range maxOpen - 1 {
		all.Invites[n].ExpiresAt = now.Add(time.Hour)
	}
	r.book.apply(all)
	_, err := r.Invite(t.Context(), root, &api.NewInvite{})
	r.must(err)
	if n := len(r.book.allInvites()); n != maxInvites || r.book.invite("0") == nil || r.book.invite(fmt.Sprint(maxOpen-1)) != nil {
		t.Errorf("%d invites are kept", n)
	}
	_, err = r.Invite(t.Context(), root, &api.NewInvite{})
	r.refused(err, octaskly.ErrFull)
}
