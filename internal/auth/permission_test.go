package auth

import (
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestPermissions says by hand, without a look at the table, what each role may do.
func TestPermissions(t *testing.T) {
	all := []struct {
		name string
		p    Permission
		// by role: a(dmin), d(ispatcher), c(lient), w(orker)
		who string
	}{
		{"submit", Submit, "adc"},
		{"read tasks", ReadTasks, "adc"},
		{"change tasks", ChangeTasks, "adc"},
		{"others' tasks", AllTasks, "ad"},
		{"read workers", ReadWorkers, "adc"},
		{"change workers", ChangeWorkers, "ad"},
		{"read stats", ReadStats, "adc"},
		{"read metrics", ReadMetrics, "ad"},
		{"manage users", ManageUsers, "a"},
		{"own tokens", OwnTokens, "adc"},
		{"others' tokens", AllTokens, "a"},
		{"read the audit log", ReadAudit, "a"},
	}
	roles := map[rune]octaskly.Role{
		'a': "admin", 'd': "dispatcher", 'c': "client", 'w': "worker",
		'?': "root", ' ': "", 'A': "Admin",
	}
	seen := Permission(0)
	for _, one := range all {
		if one.p == 0 || one.p&(one.p-1) != 0 || seen&one.p != 0 {
			t.Errorf("%s is not one permission of its own", one.name)
		}
		seen |= one.p
		for letter, role := range roles {
			want := false
			for _, may := range one.who {
				want = want || may == letter
			}
			if got := Of(role).Allows(one.p); got != want {
				t.Errorf("%q: %s is %v, want %v", role, one.name, got, want)
			}
		}
	}
	if Of("admin") != seen || seen != 1<<12-1 {
		t.Errorf("an admin may %b, and the table has %b", Of("admin"), seen)
	}
}

func TestAllowsWantsAll(t *testing.T) {
	client := Of("client")
	if client.Allows(ReadTasks | AllTasks) {
		t.Error("one of two is enough")
	}
	if !client.Allows(ReadTasks|Submit) || !client.Allows(0) || !Permission(0).Allows(0) {
		t.Error("two of two are not enough")
	}
}

func TestLesser(t *testing.T) {
	order := []octaskly.Role{"nobody", "worker", "client", "dispatcher", "admin"}
	for i, a := range order {
		for j, b := range order {
			want := order[min(i, j)]
			if got := Lesser(a, b); got != want {
				t.Errorf("of %s and %s it is %s", a, b, got)
			}
			if both := Of(a) & Of(b); Of(Lesser(a, b)) != both {
				t.Errorf("the lesser of %s and %s permits %b, both permit %b", a, b, Of(Lesser(a, b)), both)
			}
		}
	}
	if Lesser("admin", "") != "" || Lesser("", "admin") != "" || Lesser("worker", "Admin") != "Admin" {
		t.Error("a role that there is not is more than one that there is")
	}
}
