package accounts

import (
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// A copy of the database knows nothing of what was revoked since.
func TestCopied(t *testing.T) {
	for _, test := range []struct {
		copied store.Copied
		keeps  bool
		said   string
	}{
		{store.CopiedAll, false, "2 logins and 2 machine tokens ended"},
		{store.CopiedTokens, true, "2 logins ended, 2 machine tokens were kept"},
	} {
		inBubble(t, func(r *rig) {
			r.user("ann", octaskly.RoleClient)
			leaked := r.machine("ann", "")
			time.Sleep(time.Second)
			_, err := r.RotateKeys(t.Context(), root) // for a key that somebody knows
			r.must(err)
			session, other, kept := r.login("ann"), r.login("ann"), r.machine("ann", "")
			r.store.copied = test.copied
			r.restart()
			r.stays(session.Access)
			_, err = r.refresh(other.Refresh)
			r.refused(err, octaskly.ErrUnknown)
			for _, m := range []string{leaked.Secret, kept.Secret} {
				if test.keeps {
					r.enters(m, octaskly.RoleClient)
				} else {
					r.stays(m)
				}
			}
			r.enters(r.login("ann").Access, octaskly.RoleClient)
			r.enters(r.machine("ann", "").Secret, octaskly.RoleClient)
			_, _, keys, _ := r.store.size()
			if want := map[bool]int{true: 3, false: 1}[test.keeps]; keys != want {
				t.Errorf("%d keys are there, want %d", keys, want)
			}
			rows := r.store.rows("token.revoke")
			if len(rows) != 1 || !strings.HasSuffix(rows[0].Detail, test.said) || len(r.store.rows("key.rotate")) != 1 {
				t.Errorf("the audit log says %+v", r.store.rows(""))
			}
			if !strings.Contains(r.log.String(), test.said) {
				t.Errorf("the log says %s", r.log)
			}
			again := r.login("ann")
			r.restart() // it is settled
			r.enters(again.Access, octaskly.RoleClient)
		})
	}
}

// What fails is no start, and done by the next.
func TestCopiedFails(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	m := r.machine("ann", "")
	r.store.copied = store.CopiedAll
	r.store.enter = func(*store.Records) { r.store.breaks(store.ErrDiskFull) }
	_, err := New(Config{Store: r.store, Keys: r.fleet, Log: r.Accounts.log})
	r.refused(err, store.ErrDiskFull)
	r.store.enter = nil
	r.store.breaks(nil)
	r.restart()
	r.stays(m.Secret)
}
