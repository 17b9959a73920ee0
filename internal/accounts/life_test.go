package accounts

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// A session from its login to its end.
func TestSession(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s := r.login("ann")
		r.enters(s.Access, octaskly.RoleClient)
		if left := time.Until(s.ExpiresAt); left > accessLife || left < accessLife-time.Second {
			t.Errorf("an access token is good for %v", left)
		}
		time.Sleep(accessLife - time.Second)
		r.enters(s.Access, octaskly.RoleClient)
		time.Sleep(time.Second)
		r.stays(s.Access)

		s, err := r.refresh(s.Refresh)
		r.must(err)
		for range 2 { // it goes on for as long as it is refreshed
			time.Sleep(sessionLife - time.Minute)
			next, err := r.refresh(s.Refresh)
			r.must(err)
			r.enters(next.Access, octaskly.RoleClient)
			s = next
		}
		time.Sleep(sessionLife)
		_, err = r.refresh(s.Refresh)
		r.refused(err, octaskly.ErrUnknown)

		time.Sleep(endedKept + 2*sweepEvery)
		if _, n, _, _ := r.store.size(); n != 0 {
			t.Errorf("%d tokens are kept that ended long ago", n)
		}
	})
}

func TestLogout(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s, other := r.login("ann"), r.login("ann")
		who := r.caller(s.Access)
		r.must(r.Logout(t.Context(), who))
		r.must(r.Logout(t.Context(), who)) // nothing is wrong with saying it again
		r.stays(s.Access)
		_, err := r.refresh(s.Refresh)
		r.refused(err, octaskly.ErrUnknown)
		r.enters(other.Access, octaskly.RoleClient)
		for _, id := range values(r.store.tokens) {
			if !id.RevokedAt.IsZero() && (id.Secret != nil || id.Former != nil) {
				t.Error("a session that is over keeps its secrets")
			}
		}
		r.refused(r.Logout(t.Context(), root), octaskly.ErrConflict)
		r.refused(r.Logout(t.Context(), r.caller(r.machine("ann", "").Secret)), octaskly.ErrConflict)
	})
}

func TestMachineToken(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleDispatcher)
		m := r.machine("ann", "")
		short, err := r.CreateToken(t.Context(), root, &api.NewToken{User: "ann", Role: octaskly.RoleClient, Expires: new(api.Seconds(time.Hour))})
		r.must(err)
		r.enters(m.Secret, octaskly.RoleDispatcher)
		r.enters(short.Secret, octaskly.RoleClient)
		time.Sleep(time.Hour)
		r.stays(short.Secret)
		time.Sleep(machineLife - time.Hour - time.Second)
		r.enters(m.Secret, octaskly.RoleDispatcher)
		r.restart()
		r.enters(m.Secret, octaskly.RoleDispatcher)
		time.Sleep(time.Second)
		r.stays(m.Secret)
	})
}

// When a token was used is known about to the minute, and written at most so often.
func TestUsed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		m := r.machine("ann", "")
		_, _, _, before := r.store.size()
		began := clock()
		for time.Since(began) < 10*time.Minute {
			r.enters(m.Secret, octaskly.RoleClient)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		_, _, _, after := r.store.size()
		if n := after - before; n < 4 || n > 10 {
			t.Errorf("10 minutes of use have cost %d commits", n)
		}
		synctest.Wait() // for what is being written just now
		row := r.store.token(m.ID)
		if late := time.Since(row.UsedAt); late > 2*usesEvery+writeEvery {
			t.Errorf("it was used just now, and is said to be %v ago", late)
		}
		r.must(r.writeUses(t.Context()))
		list, err := r.Tokens(t.Context(), r.caller(m.Secret), false, api.Page{})
		r.must(err)
		if len(list) != 1 || list[0].UsedAt == nil || !list[0].UsedAt.Equal(r.store.token(m.ID).UsedAt) {
			t.Errorf("the list says %+v", list)
		}
	})
}

// A token that names another user's row is none of ours, were it signed by us.
func TestAnothersRow(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleAdmin)
	r.user("bob", octaskly.RoleClient)
	row := *r.book.tokens[r.machine("ann", "").ID]
	row.User = "bob"
	forged, err := r.sign(&row, octaskly.RoleAdmin, clock(), clock().Add(time.Hour))
	r.must(err)
	r.stays(forged)
}

// A caller who has gone does not stop what he has begun half way.
func TestCallerIsGone(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	m := r.machine("ann", "")
	ctx, gone := context.WithCancel(t.Context())
	gone()
	_, err := r.RevokeToken(ctx, root, m.ID)
	r.must(err)
	r.stays(m.Secret)
}
