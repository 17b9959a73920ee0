package test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// openAPI is what of the API's description is used here.
type openAPI struct {
	Security []map[string][]string
	Paths    map[string]map[string]struct {
		Security *[]map[string][]string
	}
}

// open reports whether an operation needs no token.
func (d *openAPI) open(path, method string) bool {
	own := d.Paths[path][method].Security
	return own != nil && len(*own) == 0
}

// curl is somebody with nothing but curl and the description of the API.
type curl struct {
	t    *testing.T
	c    *cluster.Cluster
	ca   string
	api  openAPI
	auth string // a file with the header, which nobody can see in the list of processes
}

func newCurl(t *testing.T, c *cluster.Cluster) *curl {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here; apt-get install curl installs it")
	}
	return &curl{t: t, c: c, ca: caFile(t, c), auth: os.DevNull}
}

// call makes a request of the description: "GET /api/v1/tasks/{id}" with id in place
// of what is in braces, and a query.
func (u *curl) call(operation, id, query, body string, flags ...string) answer {
	u.t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	if _, described := u.api.Paths[path][strings.ToLower(method)]; u.api.Paths != nil && !described {
		u.t.Fatalf("the description has no %s", operation)
	}
	if at := strings.Index(path, "{"); at >= 0 {
		path = path[:at] + id + path[strings.Index(path, "}")+1:]
	}
	dir := u.t.TempDir()
	args := append([]string{
		"--silent", "--show-error", "--cacert", u.ca, "--request", method, "--header", "@" + u.auth, "--max-time", "30",
		"--dump-header", filepath.Join(dir, "header"), "--output", filepath.Join(dir, "body"), "--write-out", "%{http_code}", "--data-binary", "@-",
	}, flags...)
	if body == "" {
		args = append(args[:len(args)-len(flags)-2], flags...)
	}
	cmd := exec.CommandContext(timeout(u.t), "curl", append(args, u.c.REST()+path+query)...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(body), testWriter{u.t}
	code, err := cmd.Output()
	check(u.t, err)
	status, err := strconv.Atoi(string(code))
	check(u.t, err)
	text, _ := os.ReadFile(filepath.Join(dir, "body")) // curl makes none where there is none
	return answer{status, headerOf(string(readFile(u.t, filepath.Join(dir, "header")))), string(text)}
}

func headerOf(text string) http.Header {
	header := http.Header{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			header.Add(name, value)
		}
	}
	return header
}

func (u *curl) bear(token string) {
	u.t.Helper()
	u.auth = filepath.Join(u.t.TempDir(), "header")
	check(u.t, os.WriteFile(u.auth, []byte("Authorization: Bearer "+token+"\n"), 0o600))
}

// A task lives and ends by hand, with nothing but curl and what the dispatcher tells
// of its API.
func TestLifeByCurl(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	u := newCurl(t, c)
	must(t, c, "user", "add", "--password-file", passwordOf(t, "ann"), "ann")

	u.call("GET /api/v1/openapi.json", "", "", "").refused(t, "the description without a token", 401, "unauthorized")
	u.call("POST /api/v1/login", "", "", `{"user":"bob","password":"password of ann"}`).refused(t, "a stranger's login", 401, "unauthorized")
	var session api.Session
	u.call("POST /api/v1/login", "", "", `{"user":"ann","password":"password of ann"}`).read(t, "login", &session)
	u.bear(session.Access)
	u.call("GET /api/v1/openapi.json", "", "", "").read(t, "description", &u.api)

	const task = `{"argv":["sh","-c","echo 0123456789; echo err >&2; exit 3"]}`
	var first, second api.Accepted
	u.call("POST /api/v1/tasks", "", "", task, "--header", "Idempotency-Key: k").read(t, "submit", &first)
	u.call("POST /api/v1/tasks", "", "", task, "--header", "Idempotency-Key: k").read(t, "submit again", &second)
	if first.ID == "" || second.ID != first.ID || first.Repeated || !second.Repeated {
		t.Errorf("submitted twice with one key: %+v, %+v", first, second)
	}
	u.watch(first.ID)
	u.outputs(first.ID)
	u.tags(first.ID)
	u.ends(first.ID)

	u.call("POST /api/v1/tasks", "", "", `{"argv":["true"],"colour":"red"}`).refused(t, "an unknown field", 400, "bad-input")
	if said := u.call("POST /api/v1/tasks", "", "", `{"argv":["true"],"retries":-1}`).refused(t, "bad retries", 400, "bad-input"); said.Field != "retries" {
		t.Errorf("bad retries: %+v", said)
	}
	u.call("GET /api/v1/tasks/{id}", "99", "", "").refused(t, "no such task", 404, "not-found")
	u.call("GET /api/v1/tasks/{id}", "x", "", "").refused(t, "no id", 400, "bad-input")
	u.call("GET /api/v1/users", "", "", "").refused(t, "a client", 403, "denied")

	var renewed api.Session
	u.call("POST /api/v1/refresh", "", "", `{"refresh_token":"`+session.Refresh+`"}`).read(t, "refresh", &renewed)
	u.bear(renewed.Access)
	if a := u.call("POST /api/v1/logout", "", "", ""); a.status != 204 || a.text != "" {
		t.Errorf("logout: %+v", a)
	}
	u.call("GET /api/v1/tasks", "", "", "").refused(t, "after the logout", 401, "unauthorized")
	u.call("POST /api/v1/refresh", "", "", `{"refresh_token":"`+renewed.Refresh+`"}`).refused(t, "a refresh after the logout", 401, "unauthorized")
}

// watch follows a job to its end, in both forms.
func (u *curl) watch(id string) {
	u.t.Helper()
	lines := strings.Split(strings.TrimSpace(u.call("GET /api/v1/tasks/{id}/watch", id, "", "").text), "\n")
	var last api.Job
	check(u.t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	if last.State != octaskly.Failed || last.Exit == nil || *last.Exit != 3 || last.Owner != "ann" {
		u.t.Errorf("watched to its end: %s", lines)
	}
	events := u.call("GET /api/v1/tasks/{id}/watch", id, "", "", "--header", "Accept: text/event-stream")
	if !strings.HasPrefix(events.header.Get("Content-Type"), "text/event-stream") || !strings.Contains(events.text, `data: {"id":"`+id+`"`) {
		u.t.Errorf("events: %+v", events)
	}
}

func (u *curl) outputs(id string) {
	u.t.Helper()
	const operation = "GET /api/v1/tasks/{id}/output"
	if a := u.call(operation, id, "?stream=stdout", ""); a.status != 200 || a.text != "0123456789\n" {
		u.t.Errorf("stdout: %+v", a)
	}
	if a := u.call(operation, id, "?stream=stderr", ""); a.status != 200 || a.text != "err\n" {
		u.t.Errorf("stderr: %+v", a)
	}
	a := u.call(operation, id, "?stream=stdout", "", "--range", "2-4")
	if a.status != 206 || a.text != "234" || a.header.Get("Content-Range") != "bytes 2-4/11" {
		u.t.Errorf("a range: %+v", a)
	}
	if a := u.call(operation, id, "?stream=stdout", "", "--range", "-3"); a.status != 206 || a.text != "89\n" {
		u.t.Errorf("the last bytes: %+v", a)
	}
	u.call(operation, id, "?stream=stdout", "", "--range", "11-").refused(u.t, "past the end", 416, "no-such-range")
	events := u.call(operation, id, "?follow=true", "", "--header", "Accept: text/event-stream")
	if events.status != 200 || !strings.Contains(events.text, "0123456789") {
		u.t.Errorf("events of output: %+v", events)
	}
}

func (u *curl) tags(id string) {
	u.t.Helper()
	page := u.call("GET /api/v1/tasks/{id}", id, "", "")
	tag := page.header.Get("ETag")
	if page.status != 200 || tag == "" {
		u.t.Fatalf("a page without ETag: %+v", page)
	}
	if a := u.call("GET /api/v1/tasks/{id}", id, "", "", "--header", "If-None-Match: "+tag); a.status != 304 || a.text != "" {
		u.t.Errorf("nothing new: %+v", a)
	}
	if a := u.call("GET /api/v1/tasks/{id}", id, "", "", "--header", `If-None-Match: "other"`); a.status != 200 || a.text != page.text {
		u.t.Errorf("something new: %+v", a)
	}
}

// ends has jobs that are over or go on end.
func (u *curl) ends(over string) {
	u.t.Helper()
	var outcome api.Outcome
	u.call("DELETE /api/v1/tasks/{id}", over, "", "").read(u.t, "delete what is over", &outcome)
	if outcome.Done != 0 || len(outcome.Already) != 1 || outcome.Already[0] != over {
		u.t.Errorf("what is over: %+v", outcome)
	}
	var long api.Accepted
	u.call("POST /api/v1/tasks", "", "", `{"argv":["sleep","1000"]}`).read(u.t, "submit", &long)
	u.call("DELETE /api/v1/tasks/{id}", long.ID, "?reason=enough", "").read(u.t, "delete", &outcome)
	if outcome.Done != 1 {
		u.t.Errorf("a long one: %+v", outcome)
	}
	u.call("GET /api/v1/tasks/{id}/watch", long.ID, "", "")
	var page api.Detail
	u.call("GET /api/v1/tasks/{id}", long.ID, "", "").read(u.t, "show", &page)
	if page.State != octaskly.Cancelled || !strings.Contains(page.Detail, "enough") {
		u.t.Errorf("a long one is %v, %q", page.State, page.Detail)
	}
}

// Nothing but what the description marks as open is told to anybody without a token.
func TestNothingWithoutToken(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann := settle(t, c, "ann", "admin")
	var described openAPI
	ann.do(t, "GET", "/api/v1/openapi.json", "").read(t, "description", &described)
	if len(described.Security) == 0 || len(described.Paths) < 20 {
		t.Fatalf("the description has security %v, %d paths", described.Security, len(described.Paths))
	}
	var open []string
	for path, operations := range described.Paths {
		for method := range operations {
			name := strings.ToUpper(method) + " " + path
			if described.open(path, method) {
				open = append(open, name)
				continue
			}
			for _, headers := range [][]string{nil, {"Authorization", "Basic YW5uOnBhc3N3b3Jk"}, {"Authorization", "Bearer x"}, {"Cookie", "token=" + ann.token}} {
				refusedStranger(t, ann, name, headers)
			}
		}
	}
	if len(open) != 3 {
		t.Errorf("open are %v", open)
	}
	if a := ask(t, ann.web, c.REST()+"/health", "GET", ""); a.status != 200 || strings.TrimSpace(a.text) != `{"status":"ok"}` {
		t.Errorf("health: %+v", a)
	}
	if users := must(t, c, "user", "ls", "-o", "quiet"); users != "ann\n" {
		t.Errorf("users are %q", users)
	}
}

func refusedStranger(t *testing.T, somebody *person, operation string, headers []string) {
	t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	path = strings.NewReplacer("{id}", "1", "{hash}", strings.Repeat("0", 64), "{worker}", "w1", "{user}", "ann", "{token}", "x").Replace(path)
	a := ask(t, somebody.web, somebody.c.REST()+path+"?token="+somebody.token, method, "", headers...)
	if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("%s with %.40q: status %d, %v", operation, headers, a.status, a.header)
	}
	if method != "HEAD" {
		a.refused(t, operation, 401, "unauthorized")
	}
}
