package test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/cluster"
)

// secrets are what nobody may find, by what it is.
type secrets map[string]string

// in tells which secrets a text has, as they are or in a usual coding.
func (s secrets) in(text []byte) (found []string) {
	for name, secret := range s {
		for _, form := range []string{
			secret, hex.EncodeToString([]byte(secret)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(secret)), "="),
		} {
			if bytes.Contains(text, []byte(form)) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

// public is a variable of no secret's, which is found: so one would be.
const public = "PUBLIC=vM2cJ9sWbY4hGf6K"

// files expects none of the secrets in a file below a directory, but in the contexts of
// who has logged in.
func (s secrets) files(t *testing.T, dir string) {
	t.Helper()
	found := false
	check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "contexts.json" {
			return nil // some files go while one looks
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		found = found || bytes.Contains(text, []byte(public))
		for _, name := range s.in(text) {
			t.Errorf("%s has the %s", path, name)
		}
		return nil
	}))
	if !found {
		t.Errorf("no file below %s has what is no secret", dir)
	}
}

// processes expects none of the secrets in a command line, nor in the environment of a
// process of octaskly's.
func (s secrets) processes(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	check(t, err)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if bytes.Contains(line, []byte("octaskly")) {
			environ, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
			line = append(line, environ...)
		}
		for _, name := range s.in(line) {
			t.Errorf("process %d (%.200q) has the %s", pid, line, name)
		}
	}
}

// What is secret is in no file of the daemons, log, row, answer or list of processes, at
// no time of a task's life; its command has it.
func TestSecrets(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true, DispatcherFlags: []string{"--log-level", "debug"}, WorkerFlags: []string{"--log-level", "debug"}})
	ann := settle(t, c, "ann", "client")
	s := secrets{"password": "password of ann", "token": strings.Split(ann.token, ".")[2]}
	s.tokensOf(t, c)
	file := filepath.Join(t.TempDir(), "secret")
	s["secret of the environment"] = "qN8vTzXw3kLmPd7R"
	check(t, os.WriteFile(file, []byte("qN8vTzXw3kLmPd7R\n"), 0o600))

	queued := strings.TrimSpace(ann.must(t, "submit", "--cpus", "1000", "--env", public, "--secret-env", "PW="+file, "--", "true"))
	g := newGate(t)
	sum := `printf %s "$PW" | sha256sum | cut -c 1-16`
	running := strings.TrimSpace(ann.must(t, append([]string{"submit", "--secret-env", "PW=" + file}, g.command(sum)...)...))
	g.await(t)
	s.files(t, c.Dir)
	s.processes(t)
	s.told(t, ann, queued, running)
	g.pass(t)
	ann.must(t, "wait", running)
	if got, want := strings.TrimSpace(ann.must(t, "logs", running)), sumOf(t, "qN8vTzXw3kLmPd7R"); got != want {
		t.Errorf("the command has a secret with sum %q, want %q", got, want)
	}
	failed := ann.ctl(t, "submit", "--secret-env", "PW="+file, "--env", "PW=other", "--", "true")
	if failed.Code == 0 {
		t.Errorf("one name twice: %+v", failed)
	}
	for _, body := range []string{`["PWqN8vTzXw3kLmPd7R"]`, `"qN8vTzXw3kLmPd7R"`, `[{"qN8vTzXw3kLmPd7R":1}]`, `["=qN8vTzXw3kLmPd7R"]`, `["PW=qN8vTzXw3kLmPd7R","PW=qN8vTzXw3kLmPd7R"]`} {
		a := ann.do(t, "POST", "/api/v1/tasks", `{"argv":["true"],"secret_env":`+body+`}`)
		a.refused(t, "secret_env "+body, 400, "bad-input")
		s.told(t, ann, queued, running)
		for _, name := range s.in([]byte(a.text)) {
			t.Errorf("the answer to %s tells the %s: %s", body, name, a.text)
		}
	}
	ask(t, ann.web, c.REST()+"/api/v1/login", "POST", `{"user":"bob","password":"password of ann"}`).refused(t, "bob", 401, "unauthorized")

	must(t, c, "key", "rotate")
	if a := ann.do(t, "GET", "/api/v1/self", ""); a.status != 200 {
		t.Errorf("after the rotation, the token is worth %+v", a)
	}
	ann.must(t, "whoami")
	check(t, c.Dispatcher.Restart(timeout(t)))
	ann.must(t, "whoami")
	again := strings.TrimSpace(ann.must(t, "submit", "--wait", "--secret-env", "PW="+file, "--shell", sum))
	s.told(t, ann, queued, running, strings.Fields(again)[0])
	s.files(t, c.Dir)
	s.processes(t)
}

// sumOf is what the command makes of a secret.
func sumOf(t *testing.T, secret string) string {
	t.Helper()
	return strings.TrimSpace(tool(t, nil, "sh", "-c", `printf %s `+secret+` | sha256sum | cut -c 1-16`))
}

// tokensOf adds the tokens in the contexts of who has logged in.
func (s secrets) tokensOf(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	var all client.Contexts
	check(t, json.Unmarshal(readFile(t, filepath.Join(c.Dir, "home", "config", "octaskly", "contexts.json")), &all))
	for _, context := range all.Contexts {
		s["access token of "+context.Name] = strings.Split(context.Access, ".")[2]
		s["refresh token of "+context.Name] = strings.TrimPrefix(context.Refresh, "ort_")
	}
	if len(s) < 4 {
		t.Fatalf("contexts are %+v", all)
	}
}

// told expects none of the secrets in what is said of tasks, and in the audit log.
func (s secrets) told(t *testing.T, ann *person, ids ...string) {
	t.Helper()
	for _, id := range ids {
		page := ann.must(t, "show", "-o", "json", id) + ann.must(t, "show", id)
		var shown api.Detail
		ann.do(t, "GET", "/api/v1/tasks/"+id, "").read(t, id, &shown)
		if len(shown.Submission.SecretEnv) != 1 || shown.Submission.SecretEnv[0] != "PW=(secret)" {
			t.Errorf("shown of secrets: %q", shown.Submission.SecretEnv)
		}
		for _, name := range s.in([]byte(page)) {
			t.Errorf("show tells the %s: %s", name, page)
		}
	}
	for _, name := range s.in([]byte(must(t, ann.c, "audit", "ls", "-o", "json", "--limit", "1000") + ann.c.Logs())) {
		t.Errorf("the audit log or a log tells the %s", name)
	}
}
