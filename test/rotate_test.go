package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// rotate gives the fleet another authority, and has the dispatcher see it.
func rotate(t *testing.T, c *cluster.Cluster, flags ...string) {
	t.Helper()
	said, code := dispatcherTool(t, "rotate", filepath.Join(c.Dir, "dispatcher"), flags...)
	if code != 0 || !strings.Contains(said, "next authority is SHA256:") {
		t.Fatalf("it ends with %d, and says:\n%s", code, said)
	}
	check(t, c.Dispatcher.Reload(timeout(t)))
}

// authorityOf is the certificate of the authority that a worker knows, as its papers have it.
func authorityOf(t *testing.T, c *cluster.Cluster, name string) string {
	t.Helper()
	text := papers(t, c, name)
	return text[strings.LastIndex(text, "-----BEGIN CERTIFICATE"):]
}

// The authority rotates while the fleet works: what runs goes on, and workers get
// certificates of the new one without anybody's help. One that was off meanwhile, and
// joined by an invite that is used up, comes back by the former one.
func TestRotate(t *testing.T) {
	c := dispatcherAlone(t)
	invited := unkeyed(c, "w2", "--invite-file", invite(t, c))
	start(t, invited)
	runs(t, c, "w2")
	check(t, invited.Stop())
	start(t, c.Worker("w1"))
	gone := filepath.Join(c.Dir, "gone")
	check(t, syscall.Mkfifo(gone, 0o600))
	job := submit(t, c, "--env", "GONE="+gone, "--shell", "read x < $GONE; echo attempt $OCTASKLY_ATTEMPT")
	awaitState(t, c, job, "running")

	first := authorityOf(t, c, "w1")
	rotate(t, c)
	awaitLog(t, c.Dispatcher, "The fleet has another authority now")

	check(t, c.Dispatcher.Kill()) // w1 comes back, and sees it
	start(t, c.Dispatcher)
	awaitSuccess(t, func() bool { return authorityOf(t, c, "w1") != first })
	if authorityOf(t, c, "w2") != first {
		t.Error("who is off has been told")
	}
	start(t, invited)
	awaitSuccess(t, func() bool { return authorityOf(t, c, "w2") == authorityOf(t, c, "w1") })
	check(t, os.WriteFile(gone, []byte("\n"), 0o600))
	must(t, c, "wait", job)
	if got := must(t, c, "logs", job); got != "attempt 1\n" {
		t.Errorf("what ran meanwhile says %q", got)
	}
}

// After a theft, no former authority counts: who has the fleet key joins anew by itself, and who
// has no secret stays out.
func TestRotateDistrust(t *testing.T) {
	c := dispatcherAlone(t)
	invited, keyed := unkeyed(c, "w2", "--invite-file", invite(t, c)), c.Worker("w1")
	start(t, invited)
	start(t, keyed)
	first := authorityOf(t, c, "w1")
	rotate(t, c, "--distrust") // which ends their sessions
	awaitLog(t, keyed, "it tries to join anew")
	awaitSuccess(t, func() bool { return authorityOf(t, c, "w1") != first })
	runs(t, c, "w1")
	awaitLog(t, invited, "No session with the dispatcher")
	awaitLog(t, invited, "identity.pem away and start it, to join anew")
	if authorityOf(t, c, "w2") != first {
		t.Error("who has no secret has joined anew")
	}
}

// Who calls the API knows the fleet by its authority, and is told to learn the new one.
func TestRotateREST(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	before := c.Fingerprint()
	rotate(t, c)
	if r := ann.ctl(t, "submit", "--", "true"); r.Code != 77 || !strings.Contains(r.Stderr, "octasklyctl login --fingerprint") {
		t.Errorf("whoever trusts the former authority: %+v", r)
	}
	if c.Fingerprint() == before {
		t.Error("the fingerprint is that of before")
	}
	ann.web = browser(t, c)
	if got := ann.do(t, "GET", "/api/v1/self", ""); got.status != 200 { // tokens are not the authority's: they stay good
		t.Errorf("her token: %+v", got)
	}
}

func TestRotateRefuses(t *testing.T) {
	for _, words := range [][]string{nil, {"now"}, {"--distrust=perhaps"}} {
		if said, code := dispatcherTool(t, "rotate", t.TempDir(), words...); code == 0 {
			t.Errorf("it does so for %q where there is nothing: %s", words, said)
		}
	}
}
