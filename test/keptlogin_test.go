package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/cluster"
)

// A login whose renewal could not be kept is not renewed: it is good when its
// directory can be written again.
func TestLoginIsNotBurned(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann := settle(t, c, "ann", "client")
	file := &client.ContextFile{Path: filepath.Join(c.Dir, "home/config/octaskly/contexts.json")}
	check(t, file.Change(t.Context(), func(all *client.Contexts) error {
		all.Find("ann").ExpiresAt = time.Now().Add(-time.Hour)
		return nil
	}))
	dir := filepath.Dir(file.Path)
	check(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	for range 2 {
		r := powerless(t, c, "--context", "ann", "whoami")
		expect(t, r, 77, "", "octasklyctl: error: cannot keep the login: cannot write the contexts in \""+file.Path+"\": ")
		expect(t, r, 77, "", "octasklyctl: hint: $XDG_CONFIG_HOME names another directory for it\n")
	}
	check(t, os.Chmod(dir, 0o700))
	ann.must(t, "whoami")
}

// powerless runs octasklyctl without the power of root to write anywhere.
func powerless(t *testing.T, c *cluster.Cluster, args ...string) cluster.Result {
	t.Helper()
	cmd := c.Command(timeout(t), args...)
	if os.Getuid() == 0 {
		path, err := exec.LookPath("setpriv")
		check(t, err)
		cmd.Path, cmd.Args = path, append([]string{path, "--bounding-set=-dac_override", "--inh-caps=-dac_override"}, cmd.Args...)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cluster.Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

// A login ends the one that it replaces.
func TestOneLoginIsLeft(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann := settle(t, c, "ann", "client")
	for range 2 {
		logIn(t, c, "ann", passwordOf(t, "ann"))
	}
	table := ann.must(t, "token", "ls")
	if logins, revoked := strings.Count(table, " login "), strings.Count(table, "revoked"); logins != 3 || revoked != 2 {
		t.Errorf("%d logins, %d revoked:\n%s", logins, revoked, table)
	}
}

// A quota of a rate is waited for, at most half a minute; one of a number is not.
func TestQuotasAndPatience(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	ann := settle(t, c, "ann", "client")
	must(t, c, "user", "set", "ann", "--rate", "0.1", "--queued", "7")
	const waits = "octasklyctl: waiting, up to half a minute: cannot accept another submission yet: "
	ann.must(t, "submit", "true")
	if r := ann.ctl(t, "submit", "true"); r.Code != 0 || !strings.HasPrefix(r.Stderr, waits) || strings.Count(r.Stderr, "waiting") != 1 {
		t.Errorf("the second: %+v", r)
	}
	if r := ann.ctl(t, "submit", "--array", "0-7", "true"); r.Code != 1 || strings.Contains(r.Stderr, "waiting") || !strings.Contains(r.Stderr, `the quota "queued"`) {
		t.Errorf("%+v", r)
	}
}

// The log says when a dispatcher has stopped.
func TestLastWords(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	check(t, c.Dispatcher.Stop())
	if !strings.Contains(c.Dispatcher.Logs(), "Dispatcher has stopped") {
		t.Error(c.Dispatcher.Logs())
	}
}
