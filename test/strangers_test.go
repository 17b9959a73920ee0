package test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/test/cluster"
)

// The session whose refresh token is shown once more, however old, is over, and the audit
// log says whose it was; a made-up one ends nobody's.
func TestStolenLogin(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	file := passwordOf(t, "ann")
	must(t, c, "user", "add", "--password-file", file, "ann")
	web := browser(t, c)
	post := func(path string, body any) answer {
		text, err := json.Marshal(body)
		check(t, err)
		return ask(t, web, c.REST()+path, "POST", string(text))
	}
	refresh := func(token string) answer { return post("/api/v1/refresh", api.RefreshRequest{Token: token}) }
	var first, thief, last api.Session
	post("/api/v1/login", api.LoginRequest{User: "ann", Password: "password of ann"}).read(t, "login", &first)
	refresh(first.Refresh).read(t, "the thief", &thief)
	refresh(thief.Refresh).read(t, "the thief, again", &last)
	made := []byte(last.Refresh)
	made[50] ^= 1
	refresh(string(made)).refused(t, "a made-up token", 401, "unauthorized")
	self := func() int {
		return ask(t, web, c.REST()+"/api/v1/self", "GET", "", "Authorization", "Bearer "+last.Access).status
	}
	if self() != 200 {
		t.Error("a made-up token has ended the session")
	}
	refresh(first.Refresh).refused(t, "the victim's token", 401, "unauthorized")
	if self() != 401 {
		t.Error("the thief's session goes on")
	}
	refresh(last.Refresh).refused(t, "the thief's token", 401, "unauthorized")
	_, rows := auditLog(t, c, "--what", "session.refresh", "--outcome", "theft")
	if len(rows) != 1 || rows[0].Who != "ann" || rows[0].Target == "" || !strings.Contains(c.Logs(), "user=ann session="+rows[0].Target) {
		t.Errorf("the audit log says %+v", rows)
	}
}

// What is queued again counts like what is submitted.
func TestRetryWithinQuota(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann := settle(t, c, "ann", "client")
	id := strings.TrimSpace(ann.must(t, "submit", "--array", "0-9", "--", "true"))
	ann.must(t, "cancel", id)
	must(t, c, "user", "set", "--queued", "9", "ann")
	said := ann.do(t, "POST", "/api/v1/tasks/"+id+"/retry", "").refused(t, "ten of nine", 429, "full")
	if !strings.Contains(said.Message, `cannot queue 10 more tasks: 0 of yours wait, and 9 may, the quota "queued" of user ann`) {
		t.Errorf("the refusal says %q", said.Message)
	}
	if job := ann.job(t, id); job.Counts["cancelled"] != 10 {
		t.Errorf("it is half done: %v", job.Counts)
	}
	ann.must(t, "retry", id+".0-8")
}

// What others may see of somebody, and what stays of who is gone.
func TestNamesOfOthers(t *testing.T) {
	c := cluster.Open(t, cluster.Options{REST: true})
	start(t, c.Dispatcher)
	ann, bob := settle(t, c, "annabel", "client"), settle(t, c, "bob", "client")
	id := strings.TrimSpace(ann.must(t, "submit", "--", "true"))
	if said := bob.do(t, "GET", "/api/v1/tasks/"+id, "").refused(t, "another's task", 403, "denied"); strings.Contains(said.Message, "annabel") {
		t.Errorf("the owner is named: %s", said.Message)
	}
	bob.do(t, "POST", "/api/v1/tokens", `{"name":"child"}`).refused(t, "a token made by a token", 403, "denied")
	bob.do(t, "POST", "/api/v1/tasks", `{"argv":["true"],"argv":["id"]}`).refused(t, "a field twice", 400, "bad-input")
	bob.must(t, "token", "create", "--name", "by login")

	for _, name := range []string{"Bob", "jörg", "-x", "a+b"} {
		if r := c.Ctl(timeout(t), "user", "add", "--", name); r.Code == 0 {
			t.Errorf("%q is a user", name)
		}
	}
	const stays = "1 jobs of the name annabel stay, and are those of whoever gets the name next\n"
	if r := c.Ctl(timeout(t), "user", "rm", "annabel"); r.Code != 0 || !strings.Contains(r.Stderr, stays) {
		t.Errorf("user rm: %+v", r)
	}
	if r := c.Ctl(timeout(t), "user", "add", "annabel"); r.Code != 0 || !strings.Contains(r.Stderr, "1 jobs of the name annabel are there from before") {
		t.Errorf("user add: %+v", r)
	}
	ask(t, bob.web, c.REST()+"/api/v1/login", "POST", `{"user":"my secret password","password":"x"}`).refused(t, "a login", 401, "unauthorized")
	rows, _ := auditLog(t, c, "--what", "session.login", "--outcome", "refused")
	if fmt.Sprint(rows) != "[ session.login (unknown user) unauthorized]" {
		t.Errorf("the audit log says %q", rows)
	}
	expect(t, c.Ctl(timeout(t), "audit", "ls", "--outcome", "failed"), 2, "", "refused, theft")
	expect(t, c.Ctl(timeout(t), "audit", "ls", "--what", "task.sumbit"), 2, "", "task.submit")
}

// A configuration that lets other machines run what they like is pointed out.
func TestConfigCheckOfOpenDoor(t *testing.T) {
	programs, err := cluster.Build()
	check(t, err)
	for _, sandbox := range []string{"none", "basic"} {
		cmd := exec.CommandContext(timeout(t), programs.Daemon, "config", "check", "dispatcher", "--http-listen", ":3000", "--sandbox", sandbox,
			"--state-dir", filepath.Join(t.TempDir(), "d"))
		said, err := cmd.CombinedOutput()
		if warned := strings.Contains(string(said), "commands from other machines run without a box"); err != nil || warned != (sandbox == "none") {
			t.Errorf("sandbox %s: %v, %s", sandbox, err, said)
		}
	}
}
