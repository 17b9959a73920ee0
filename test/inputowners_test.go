package test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// Whoever knows the hash of another's input learns neither that it is there nor what it
// says, not even as an admin; who has the bytes may upload them as well.
func TestInputsOfOwners(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann, bob, eve := settle(t, c, "ann", "client"), settle(t, c, "bob", "client"), settle(t, c, "eve", "admin")
	const secret = "what only ann knows\n"
	sum := sha256.Sum256([]byte(secret))
	hash := hex.EncodeToString(sum[:])
	blob := "/api/v1/blobs/" + hash
	body := `{"argv":["cat"],"sandbox":"none","stdin":"` + hash + `"}`
	unknown := `{"argv":["cat"],"sandbox":"none","stdin":"` + strings.Repeat("0", 64) + `"}`
	reads := func(p *person, body string) string {
		t.Helper()
		var made api.Accepted
		p.do(t, "POST", "/api/v1/tasks", body).read(t, "submit", &made)
		p.must(t, "wait", made.ID)
		return p.do(t, "GET", "/api/v1/tasks/"+made.ID+"/output?stream=stdout", "").text
	}
	strangers := func(people ...*person) {
		t.Helper()
		for _, p := range people {
			if a := p.do(t, "HEAD", blob, ""); a.status != 404 {
				t.Errorf("HEAD by %s: %d", p.name, a.status)
			}
			a, none := p.do(t, "POST", "/api/v1/tasks", body), p.do(t, "POST", "/api/v1/tasks", unknown)
			a.refused(t, p.name+" names it", 400, "bad-input")
			if a.text != none.text {
				t.Errorf("%s is told %s, of one that is not there %s", p.name, a.text, none.text)
			}
		}
	}
	if a := ann.do(t, "PUT", blob, secret); a.status != 204 {
		t.Fatalf("upload: %+v", a)
	}
	strangers(bob, eve)
	if a := ann.do(t, "HEAD", blob, ""); a.status != 204 {
		t.Errorf("HEAD by who has uploaded it: %d", a.status)
	}
	if text := reads(ann, body); text != secret {
		t.Errorf("ann reads %q", text)
	}
	strangers(bob, eve)

	bob.do(t, "PUT", blob, "not "+secret).refused(t, "other bytes under that name", 400, "bad-input")
	strangers(bob)
	if a := bob.do(t, "PUT", blob, secret); a.status != 204 {
		t.Fatalf("upload by another who has the bytes: %+v", a)
	}
	if text := reads(bob, body); text != secret {
		t.Errorf("bob reads %q", text)
	}

	// All that goes on after a restart, also where only the job says whose it is.
	check(t, c.Dispatcher.Stop())
	check(t, os.RemoveAll(filepath.Join(c.Dir, "dispatcher", "uploads")))
	start(t, c.Dispatcher)
	strangers(eve)
	if text := reads(ann, body); text != secret {
		t.Errorf("after a restart, ann reads %q", text)
	}
	failing := strings.TrimSpace(ann.must(t, "submit", "--stdin", "/etc/hostname", "--", "sh", "-c", "cat; exit 3"))
	ann.ctl(t, "wait", failing)
	check(t, c.Dispatcher.Stop())
	start(t, c.Dispatcher)
	ann.must(t, "retry", failing)
}
