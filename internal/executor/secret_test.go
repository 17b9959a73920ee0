package executor

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// untold is the value of a secret.
const untold = "hunter2"

// tracesOf are the files below dir, and what /proc says of this process to anybody,
// that have some text in them.
func tracesOf(text, dir string) (found []string) {
	files := []string{"/proc/self/cmdline", "/proc/self/environ", "/proc/self/comm"}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
	}
	return found
}

func secretly(script string) octaskly.Spec {
	spec := shell(script)
	spec.Env, spec.SecretNames = []string{"OPEN=1"}, []string{"SECRET", "OTHER"}
	return spec
}

// A command has its secrets in its environment, and they are nowhere else: not in a
// file, not in an end, not in a log, not in what another one finds.
func TestSecretEnvironment(t *testing.T) {
	eachKind(t, func(t *testing.T, cfg Config) {
		r := newRig(t, cfg)
		a := r.attempt(secretly(`[ "${SECRET#hunter}" = "2 \$x" ] && [ "$OPEN$OTHER" = 1 ] && env | grep -c '^SECRET='`))
		a.Secrets = []string{"SECRET=" + untold + " $x", "OTHER="}
		check(t, r.Offer([]*Attempt{a}))
		f := r.end(a.ID)
		wantEnd(t, f, octaskly.Completed, "")
		if out, _ := text(t, f.Output); out != "1\n" {
			t.Errorf("output %q", out)
		}
		bad := r.attempt(secretly("x"))
		bad.Spec.Argv, bad.Secrets = []string{"no-such-command"}, a.Secrets
		check(t, r.Offer([]*Attempt{bad}))
		if f := r.end(bad.ID); strings.Contains(f.End.Detail, untold) || f.End.Reason != "spawn:ENOENT" {
			t.Errorf("%+v", f.End)
		}
		next := r.run(shell(`echo "<$SECRET>"`))
		if out, _ := text(t, next.Output); out != "<>\n" {
			t.Errorf("another command finds %q", out)
		}
		if found := tracesOf(untold, cfg.Dir); len(found) > 0 {
			t.Errorf("the secret is in %q", found)
		}
	})
}

// One that has not been given its secrets does not run without them.
func TestSecretsAreMissing(t *testing.T) {
	r := newRig(t, config(t))
	for _, secrets := range [][]string{nil, {"SECRET=1"}, {"OTHER=1", "SECRET=2"}} {
		a := r.attempt(secretly("exit 0"))
		a.Secrets = secrets
		check(t, r.Offer([]*Attempt{a}))
		wantEnd(t, r.end(a.ID), octaskly.Failed, octaskly.ReasonLacks(octaskly.SecretEnv))
	}
	a := r.attempt(shell("exit 0")) // whose spec knows of none
	a.Secrets = []string{"LD_PRELOAD=/x"}
	check(t, r.Offer([]*Attempt{a}))
	wantEnd(t, r.end(a.ID), octaskly.Failed, octaskly.ReasonLacks(octaskly.SecretEnv))
}
