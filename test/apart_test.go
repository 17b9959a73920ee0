package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// apart starts a dispatcher, a worker and its executor as three processes.
func apart(t *testing.T) (c *cluster.Cluster, worker, executor *cluster.Daemon) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("an executor apart runs commands as another user, which takes root")
	}
	c = cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	worker, executor = c.Apart("w1")
	start(t, executor)
	start(t, worker)
	return c, worker, executor
}

// newOpenGate is a gate that everybody may use.
func newOpenGate(t *testing.T) *gate {
	t.Helper()
	dir, err := os.MkdirTemp("", "octaskly-gate-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o711))
	g := &gate{dir + "/begun", dir + "/open"}
	for _, path := range []string{g.begun, g.open} {
		mkfifo(t, path)
		check(t, os.Chmod(path, 0o666))
	}
	return g
}

// With an executor in a process of its own, users notice nothing.
func TestApart(t *testing.T) {
	c, _, _ := apart(t)
	expect(t, c.Ctl(timeout(t), "run", "--", "sh", "-c", "echo out; echo err >&2; exit 3"), 3, "out\n", "err\n")
	expect(t, c.Ctl(timeout(t), "run", "--", "id", "-un"), 0, "nobody\n", "")
	expect(t, c.Ctl(timeout(t), "run", "--", "sh", "-c", "echo $OCTASKLY_WORKER > there; cat there > /dev/stdout"), 0, "w1\n", "")
	expect(t, c.Ctl(timeout(t), "run", "--", "head", "-c", "300000", "/dev/zero"), 0, strings.Repeat("\x00", 300000), "")
	expect(t, c.Ctl(timeout(t), "run", "--", "cat", "/etc/shadow"), 1, "", "Permission denied")
	in := t.TempDir() + "/in"
	check(t, os.WriteFile(in, []byte("given\n"), 0o600))
	expect(t, c.Ctl(timeout(t), "run", "--stdin", in, "--", "cat"), 0, "given\n", "")
	must(t, c, "run", "--array", "0-999", "--", "true")
}

// A worker that dies or is restarted leaves what runs alone, and picks it up
// again with everything it has said and done meanwhile.
func TestWorkerRestartUnderRunningTask(t *testing.T) {
	for _, how := range []string{"kill", "stop"} {
		t.Run(how, func(t *testing.T) {
			c, worker, _ := apart(t)
			long, short := newOpenGate(t), newOpenGate(t)
			first := submit(t, c, long.command("echo after; exit 3")...)
			second := submit(t, c, short.command("head -c 300000 /dev/zero; exit 4")...)
			long.await(t)
			short.await(t)
			awaitRunning(t, c, first, second) // so the worker knows of both
			if how == "kill" {
				check(t, worker.Kill())
			} else {
				check(t, worker.Stop())
				if said := worker.Logs(); !strings.Contains(said, "commands=2") || !strings.Contains(said, "systemctl stop octasklyd-executor") {
					t.Errorf("a worker that stops does not say what goes on:\n%s", said)
				}
			}
			short.pass(t) // it ends while there is no worker
			start(t, worker)
			expect(t, c.Ctl(timeout(t), "wait", second), 4, "", "")
			long.pass(t)
			expect(t, c.Ctl(timeout(t), "wait", first), 3, "", "")
			if got := must(t, c, "logs", first); got != "after\n" {
				t.Errorf("the output is %q", got)
			}
			if got := must(t, c, "logs", second); len(got) != 300000 {
				t.Errorf("%d bytes of output", len(got))
			}
			for _, id := range []string{first, second} {
				if d := show(t, c, id); len(d.Attempts) != 1 {
					t.Errorf("task %s has attempts %+v", id, d.Attempts)
				}
			}
		})
	}
}

// An executor that is told to (by HUP) executes itself anew, and its commands,
// those that run and those that wait, do not notice.
func TestExecutorExecutesItselfAnew(t *testing.T) {
	c, _, executor := apart(t)
	g := newOpenGate(t)
	running := submit(t, c, g.command("echo after; cat; exit 3")...)
	g.await(t)
	open := filepath.Join(filepath.Dir(g.open), "open for all")
	var others []string
	for range 6 { // three fill the slots, the others wait
		others = append(others, submit(t, c, "--stdin", "/etc/passwd", "--", "sh", "-c", "wc -l; until [ -e '"+open+"' ]; do sleep 0.02; done"))
	}
	for _, id := range others[:3] {
		awaitRunning(t, c, id)
	}
	pid := executor.PID()
	for range 3 {
		check(t, executor.Reload(timeout(t)))
	}
	if n := strings.Count(executor.Logs(), "took_over=true"); n != 3 {
		t.Errorf("it took over %d times; it says\n%s", n, executor.Logs())
	}
	if executor.PID() != pid {
		t.Errorf("its process was %d and is %d", pid, executor.PID())
	}
	g.pass(t)
	check(t, os.WriteFile(open, nil, 0o644))
	expect(t, c.Ctl(timeout(t), "wait", running), 3, "", "")
	expect(t, c.Ctl(timeout(t), append([]string{"wait"}, others...)...), 0, "", "")
	if got := must(t, c, "logs", running); got != "after\n" {
		t.Errorf("the output is %q", got)
	}
	for _, id := range append(others, running) {
		if d := show(t, c, id); len(d.Attempts) != 1 {
			t.Errorf("task %s has attempts %+v", id, d.Attempts)
		}
	}
}

// A next program that would not take over costs nothing.
func TestBrokenUpgrade(t *testing.T) {
	c, _, executor := apart(t)
	g := newOpenGate(t)
	id := submit(t, c, g.command("exit 3")...)
	g.await(t)
	path := c.Dir + "/config/executor.toml"
	check(t, os.WriteFile(path, []byte("grace = \"never\"\n"), 0o644))
	check(t, executor.Reload(timeout(t)))
	if said := executor.Logs(); !strings.Contains(said, path) {
		t.Errorf("it does not say what is wrong:\n%s", said)
	}
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	expect(t, c.Ctl(timeout(t), "run", "--", "true"), 0, "", "")
}

// When an executor is gone its attempts are lost, and run again.
func TestExecutorRestart(t *testing.T) {
	c, _, executor := apart(t)
	g := newOpenGate(t)
	id := submit(t, c, g.command("exit 3")...)
	g.await(t)
	check(t, executor.Kill())
	start(t, executor)
	g.await(t) // again
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	if d := show(t, c, id); len(d.Attempts) != 2 || d.Attempts[0].Reason != octaskly.ReasonWorkerLost {
		t.Errorf("its attempts are %+v", d.Attempts)
	}
}

// An executor that is stopped ends its commands and says so: they wait again at
// once, and not after the lease.
func TestExecutorStop(t *testing.T) {
	c, _, executor := apart(t)
	g := newOpenGate(t)
	id := submit(t, c, g.command("exit 3")...)
	g.await(t)
	check(t, executor.Stop())
	for soon := time.Now().Add(10 * time.Second); show(t, c, id).State != octaskly.Queued; {
		if time.Now().After(soon) {
			t.Fatalf("the task is %v", show(t, c, id).State)
		}
	}
	start(t, executor)
	g.await(t)
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
}

// A worker's own socket answers for itself and says where the dispatcher is.
func TestWorkerSocket(t *testing.T) {
	c, worker, _ := apart(t)
	socket := c.Dir + "/" + worker.Name + ".sock"
	if got := must(t, c, "--socket", socket, "worker", "ls"); !strings.Contains(got, "w1") || !strings.Contains(got, "connected") {
		t.Errorf("worker ls says\n%s", got)
	}
	expect(t, c.Ctl(timeout(t), "--socket", socket, "run", "--", "true"), 125, "", "its dispatcher is at "+c.Address())
	expect(t, c.Ctl(timeout(t), "--socket", socket, "ls"), 1, "", "its dispatcher is at "+c.Address())
}
