package test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

const scripts = "../contrib/scripts/"

// Every script of contrib is tried here, can be executed, and a linter has nothing
// against it.
func TestScriptsAreTried(t *testing.T) {
	paths, err := filepath.Glob(scripts + "*")
	check(t, err)
	own := string(readFile(t, "contrib_scripts_test.go"))
	for _, path := range paths {
		if !strings.Contains(own, `"`+filepath.Base(path)+`"`) {
			t.Errorf("%s runs in no test", path)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s is not executable", path)
		}
	}
	if shellcheck, err := exec.LookPath("shellcheck"); err == nil {
		tool(t, nil, shellcheck, append([]string{"--severity=warning"}, paths...)...)
	} else {
		t.Log("shellcheck is not here; apt-get install shellcheck installs it")
	}
}

// scriptOf is one of contrib, for somebody who has octasklyctl on his PATH.
func scriptOf(t *testing.T, c *cluster.Cluster, name string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := filepath.Abs(scripts + name)
	check(t, err)
	ctx := timeout(t)
	ctl := c.Command(ctx)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(ctl.Env, "PATH="+filepath.Dir(ctl.Path)+":"+os.Getenv("PATH"))
	return cmd
}

// ranTo is how a script ends.
func ranTo(cmd *exec.Cmd) cluster.Result {
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	return cluster.Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

func TestArrayWithProgress(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	run := func(args ...string) cluster.Result { return ranTo(scriptOf(t, c, "array-progress.sh", args...)) }
	expect(t, run("0-2", `echo "this is $OCTASKLY_ARRAY_INDEX"`), 0, "this is 0\nthis is 1\nthis is 2\n", "")
	expect(t, run("0-2", `echo "$OCTASKLY_ARRAY_INDEX"; exit "$OCTASKLY_ARRAY_INDEX"`), 1, "0\n1\n2\n", "1 of 3 tasks completed, 2 failed: 2.1 (exit:1), 2.2 (exit:2)")
	expect(t, run("0-2"), 2, "", "usage: array-progress.sh")
	expect(t, run("2-x", "true"), 2, "", "cannot use --array")
}

// The script tells of what runs, and does not leave it behind.
func TestArrayWithProgressIsInterrupted(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	cmd := scriptOf(t, c, "array-progress.sh", "0-1%1", newGate(t).command("")[3])
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && lines.Text() == "1: 2 (1 assigned, 1 queued)" {
	}
	if lines.Text() != "1: 2 (1 queued, 1 running)" {
		t.Errorf("it says %q", lines.Text())
	}
	check(t, cmd.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("it exits with %d", code)
	}
	c.Ctl(timeout(t), "wait", "1")
	if d := show(t, c, "1"); d.State != octaskly.Cancelled {
		t.Errorf("its job is %v", d.State)
	}
}

func TestNightly(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	list := filepath.Join(t.TempDir(), "batch")
	night := func(lines string) cluster.Result {
		check(t, os.WriteFile(list, []byte(lines), 0o600))
		return ranTo(scriptOf(t, c, "nightly.sh", list))
	}
	expect(t, night("# nothing but a remark\n\ntrue\necho 'a b' | grep -q b\n"), 0, "", "")
	if d := show(t, c, "1"); d.Tasks != 2 || d.State != octaskly.Completed || !strings.HasPrefix(d.Name, "batch-20") {
		t.Errorf("the batch is %+v", d.Job)
	}
	expect(t, night("true\necho 'a b' | grep -q b\n"), 0, "", "job 1 was submitted with this idempotency key before")
	expect(t, night("true\n"), 1, "", "task 1 was submitted with it, and is another")

	list = filepath.Join(t.TempDir(), "worse")
	r := night("true\necho 'no room on /srv' >&2; exit 3\n")
	expect(t, r, 1, "\n2.1:\nno room on /srv\n", "1 of 2 tasks completed, 1 failed: 2.1 (exit:3)")
	if d := show(t, c, "2.1"); len(d.Attempts) != 2 {
		t.Errorf("%d attempts", len(d.Attempts))
	}
}

// A CI job has a token, the authority's certificate, and a checkout.
func TestCIRun(t *testing.T) {
	c := cluster.Start(t, cluster.Options{REST: true})
	must(t, c, "user", "add", "ci")
	token := filepath.Join(t.TempDir(), "token")
	check(t, os.WriteFile(token, []byte(newToken(t, c, "--user", "ci")), 0o600))
	ca := caFile(t, c)
	job := func(args ...string) (r cluster.Result, results string) {
		cmd := scriptOf(t, c, "ci-run.sh", args...)
		cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "OCTASKLY_SOCKET=") })
		cmd.Env = append(cmd.Env, "OCTASKLY_URL="+c.REST(), "OCTASKLY_TOKEN_FILE="+token, "OCTASKLY_CA="+ca)
		checkout(t, cmd.Dir)
		r = ranTo(cmd)
		text, _ := os.ReadFile(filepath.Join(cmd.Dir, "out/report"))
		return r, string(text)
	}
	for script, code := range map[string]int{"sh test.sh": 0, "sh test.sh && exit 4": 4} {
		r, results := job(script, "--timeout", "30s", "--env", "WORD=well")
		expect(t, r, code, "", "it is tested\n")
		if results != "all is well\n" {
			t.Errorf("%s: the results are %q", script, results)
		}
	}
	r, _ := job("exec sleep 1000", "--timeout", "0.1s")
	expect(t, r, 124, "", "timed out")
	if owner := show(t, c, "1").Owner; owner != "ci" {
		t.Errorf("it belongs to %q", owner)
	}
}

// checkout makes a repository with a test, and something that is not committed.
func checkout(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here; apt-get install git installs it")
	}
	check(t, os.WriteFile(filepath.Join(dir, "test.sh"), []byte("[ ! -e junk ] && echo 'it is tested' && echo all is \"$WORD\" > out/report\n"), 0o600))
	git := []string{"-C", dir, "-c", "user.name=ci", "-c", "user.email=ci@example.org", "-c", "commit.gpgsign=false"}
	for _, words := range []string{"init -q", "add test.sh", "commit -q -m one"} {
		tool(t, []string{"GIT_CONFIG_GLOBAL=/dev/null"}, "git", append(slices.Clone(git), strings.Fields(words)...)...)
	}
	check(t, os.WriteFile(filepath.Join(dir, "junk"), nil, 0o600))
}
