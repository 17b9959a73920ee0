package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// known is what a dispatcher knows of people, and must not forget.
type known struct {
	ann         *person
	revoked     string
	fingerprint string
	users       string
}

func newKnown(t *testing.T, c *cluster.Cluster) *known {
	t.Helper()
	k := &known{ann: settle(t, c, "ann", "client"), fingerprint: c.Fingerprint()}
	must(t, c, "user", "add", "--role", "dispatcher", "--queued", "7", "bob")
	k.revoked = newToken(t, c, "--user", "bob")
	rows, _ := auditLog(t, c, "--what", "token.create", "--limit", "1")
	must(t, c, "token", "revoke", strings.Fields(rows[0])[2])
	k.users = must(t, c, "user", "ls", "-o", "json")
	return k
}

// same expects that nothing is forgotten. Whoever trusts the authority still does, and
// is believed.
func (k *known) same(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	k.ann.must(t, "whoami")
	if a := k.ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("the token is worth %+v", a)
	}
	if a := ask(t, k.ann.web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+k.revoked); a.status != 401 {
		t.Errorf("the revoked token is worth %+v", a)
	}
	if got := fingerprintOf(authority(t, c)); got != k.fingerprint || c.Fingerprint() != k.fingerprint {
		t.Errorf("the authority is %s, the log says %s; it was %s", got, c.Fingerprint(), k.fingerprint)
	}
	if users := must(t, c, "user", "ls", "-o", "json"); users != k.users {
		t.Errorf("users are %s\nthey were %s", users, k.users)
	}
	if intact := must(t, c, "audit", "verify"); !strings.HasPrefix(intact, "intact: ") {
		t.Errorf("audit verify: %s", intact)
	}
	logIn(t, c, "ann", passwordOf(t, "ann"))
}

// A dispatcher that is killed remembers everybody, and whom it has turned away.
func TestAccountsSurviveKill(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	k := newKnown(t, c)
	for range 3 {
		check(t, c.Dispatcher.Kill()) // at once after the last answer
		start(t, c.Dispatcher)
		k.same(t, c)
	}
	k.ann.must(t, "logout")
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if r := k.ann.ctl(t, "whoami"); r.Code != 77 {
		t.Errorf("logged out: %+v", r)
	}
}

// restored has a backup of all there is made, does something, and restores it.
func restored(t *testing.T, c *cluster.Cluster, meanwhile func(), flags ...string) (said string) {
	t.Helper()
	state, file := filepath.Join(c.Dir, "dispatcher"), filepath.Join(t.TempDir(), "b.tar")
	if said, code := backupTool(t, "backup", state, file); code != 0 {
		t.Fatalf("backup: %d, %s", code, said)
	}
	meanwhile()
	check(t, c.Dispatcher.Stop())
	check(t, os.Rename(state, state+".old"))
	check(t, os.Mkdir(state, 0o700))
	check(t, os.WriteFile(filepath.Join(state, "fleet.key"), readFile(t, filepath.Join(state+".old", "fleet.key")), 0o600))
	said, code := backupTool(t, "restore", state, file, flags...)
	if code != 0 {
		t.Fatalf("restore: %d, %s", code, said)
	}
	start(t, c.Dispatcher)
	return said
}

// A backup has everybody in it, and whom they trust; with the fleet key, and tokens kept,
// all is as it was but for logins.
func TestAccountsSurviveRestore(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	k := newKnown(t, c)
	said := restored(t, c, func() { must(t, c, "user", "add", "later") }, "--keep-tokens")
	if !strings.Contains(said, "1 logins end: log in again; 1 machine tokens stay good") {
		t.Errorf("restore says %s", said)
	}
	if r := k.ann.ctl(t, "whoami"); r.Code != 77 || !strings.Contains(r.Stderr, "octasklyctl login") {
		t.Errorf("a login of before: %+v", r)
	}
	logIn(t, c, "ann", passwordOf(t, "ann"))
	k.same(t, c)
}

// What was revoked since a backup was made is not good again by restoring it, and
// neither is what was signed by a key of then.
func TestRestoreRevokes(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	must(t, c, "user", "add", "bob")
	bobs := newToken(t, c, "--user", "bob")
	said := restored(t, c, func() {
		rows, _ := auditLog(t, c, "--what", "token.create", "--limit", "1")
		must(t, c, "token", "revoke", strings.Fields(rows[0])[2])
	})
	if !strings.Contains(said, "1 logins and 2 machine tokens end: log in again, and make machine tokens anew, or restore with --keep-tokens") {
		t.Errorf("restore says %s", said)
	}
	if r := ann.ctl(t, "whoami"); r.Code != 77 {
		t.Errorf("a login of before: %+v", r)
	}
	for _, token := range []string{ann.token, bobs} {
		if a := ask(t, ann.web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+token); a.status != 401 {
			t.Errorf("a token of before is worth %+v", a)
		}
	}
	_, rows := auditLog(t, c, "--what", "token.revoke")
	if last := rows[len(rows)-1]; !strings.Contains(last.Detail, "1 logins and 2 machine tokens ended") {
		t.Errorf("the audit log says %+v", last)
	}
	if intact := must(t, c, "audit", "verify"); !strings.HasPrefix(intact, "intact: ") {
		t.Errorf("audit verify: %s", intact)
	}
	logIn(t, c, "ann", passwordOf(t, "ann"))
	ann.must(t, "submit", "--", "true")
	check(t, c.Dispatcher.Restart(timeout(t))) // it ends them once
	ann.must(t, "whoami")
}

// Without its fleet key, a dispatcher says so and what to do; none of what was signed or
// sealed by the former is taken for good.
func TestAnotherFleetKey(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	check(t, c.Dispatcher.Stop())
	state := filepath.Join(c.Dir, "dispatcher")
	check(t, os.Rename(filepath.Join(state, "fleet.key"), filepath.Join(state, "fleet.key.old")))
	check(t, c.Dispatcher.Launch())
	if err := c.Dispatcher.AwaitReady(timeout(t)); err == nil || !strings.Contains(err.Error(), "put that key back, or move authority.pem away") {
		t.Errorf("with another key: %v", err)
	}
	// A wrong key was no harm.
	check(t, os.Rename(filepath.Join(state, "fleet.key"), filepath.Join(state, "fleet.key.other")))
	check(t, os.Rename(filepath.Join(state, "fleet.key.old"), filepath.Join(state, "fleet.key")))
	start(t, c.Dispatcher)
	ann.must(t, "whoami")

	check(t, c.Dispatcher.Stop())
	check(t, os.Rename(filepath.Join(state, "fleet.key.other"), filepath.Join(state, "fleet.key")))
	check(t, os.Rename(filepath.Join(state, "authority.pem"), filepath.Join(state, "authority.pem.old")))
	start(t, c.Dispatcher)
	ann.web = browser(t, c)
	ann.do(t, "GET", "/api/v1/self", "").refused(t, "a token of before", 401, "unauthorized")
	if r := ann.ctl(t, "submit", "--", "true"); r.Code != 77 || !strings.Contains(r.Stderr, "octasklyctl login --fingerprint") {
		t.Errorf("whoever trusts the former authority: %+v", r)
	}
}
