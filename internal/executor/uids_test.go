package executor

import "testing"

// However many tasks come and go, none gets the user of one that stays.
func TestUIDsInUseAreNotGivenTwice(t *testing.T) {
	var u uids
	u.start(1 << 20)
	stays := u.next()
	inherited := stays + 1
	if inherited == 1<<20+MaxUIDs {
		inherited = 1 << 20
	}
	u.take(inherited)
	for range 2 * MaxUIDs {
		uid := u.next()
		if uid == stays || uid == inherited || uid < 1<<20 || uid >= 1<<20+MaxUIDs {
			t.Fatalf("user %d", uid)
		}
		u.giveBack(uid)
	}
	u.giveBack(stays)
	found := false
	for range MaxUIDs {
		uid := u.next()
		found = found || uid == stays
		u.giveBack(uid)
	}
	if !found {
		t.Error("a user that was given back never comes again")
	}
}
