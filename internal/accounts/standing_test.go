package accounts

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Who follows is told at once when he may no longer, and of nobody else's changes.
func TestStanding(t *testing.T) {
	yes, set := true, "another password"
	for name, test := range map[string]struct {
		change func(r *rig, who api.Caller) error
		over   bool
	}{
		"revoked":      {func(r *rig, who api.Caller) error { _, err := r.RevokeToken(t.Context(), root, who.Token); return err }, true},
		"logged out":   {func(r *rig, who api.Caller) error { return r.Logout(t.Context(), who) }, true},
		"removed":      {func(r *rig, _ api.Caller) error { _, err := r.RemoveUser(t.Context(), root, "ann"); return err }, true},
		"disabled":     {changeOf("ann", &api.UserChange{Disabled: &yes}), true},
		"lessened":     {changeOf("ann", &api.UserChange{Role: octaskly.RoleWorker}), true},
		"new password": {changeOf("ann", &api.UserChange{Password: &set}), true},
		"new quota":    {changeOf("ann", &api.UserChange{Quota: &api.Quota{Queued: 1}}), false},
		"of another":   {changeOf("bob", &api.UserChange{Disabled: &yes}), false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.user("ann", octaskly.RoleClient)
			r.user("bob", octaskly.RoleClient)
			who := r.caller(r.login("ann").Access)
			changed, _, err := r.Standing(who)
			r.must(err)
			r.must(test.change(r, who))
			_, _, err = r.Standing(who)
			if over := err != nil; over != test.over {
				t.Errorf("standing is %v", err)
			}
			select {
			case <-changed:
				if name == "of another" {
					t.Error("another's change is told")
				}
			default:
				if test.over {
					t.Error("the change is not told")
				}
			}
		})
	}
}

func changeOf(name string, how *api.UserChange) func(*rig, api.Caller) error {
	return func(r *rig, _ api.Caller) error {
		_, err := r.ChangeUser(r.t.Context(), root, name, how)
		return err
	}
}

// A stream outlives the access token that it was asked for by, not the session.
func TestStandingOfSession(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.user("ann", octaskly.RoleClient)
		s := r.login("ann")
		who := r.caller(s.Access)
		time.Sleep(2 * accessLife)
		r.stays(s.Access)
		_, until, err := r.Standing(who)
		r.must(err)
		if !until.Equal(s.EndsAt) {
			t.Errorf("until %v, want %v", until, s.EndsAt)
		}
		s, err = r.refresh(s.Refresh)
		r.must(err)
		time.Sleep(time.Until(until))
		_, _, err = r.Standing(who)
		r.must(err)
		time.Sleep(time.Until(s.EndsAt))
		_, _, err = r.Standing(who)
		r.refused(err, octaskly.ErrUnknown)
	})
}
