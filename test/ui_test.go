package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/internal/pty"
	"github.com/octaskly/octaskly/test/cluster"
)

// screened is a dispatcher with its screen on a terminal, below a shell.
type screened struct {
	*pty.Terminal
	t   *testing.T
	c   *cluster.Cluster
	end int // of what was looked at
}

func newScreened(t *testing.T) *screened {
	t.Helper()
	c := cluster.Open(t, cluster.Options{})
	d := &screened{Terminal: pty.Open(t, 120, 40), t: t, c: c}
	cmd := octasklydIn(t, c, "dispatcher", "--ui", "--state-dir", c.Dir+"/dispatcher", "--socket", c.Socket(), "--listen", "127.0.0.1:0", "--announce=false")
	shell := exec.Command("sh", append([]string{"-c", `set -m; "$@"; echo "it ended with $?."; read line`, "sh"}, cmd.Args...)...)
	shell.Env, shell.Dir = append(cmd.Env, "TERM=xterm-256color"), cmd.Dir
	d.Start(shell)
	t.Cleanup(func() {
		shell.Process.Signal(syscall.SIGHUP)
		d.HangUp()
		shell.Wait()
	})
	d.await("1 Workers")
	return d
}

func (d *screened) await(text string) {
	d.t.Helper()
	d.end = d.Await(timeout(d.t), text, d.end)
}

// question ends what is asked before the dispatcher stops. Spaces are not drawn where
// there are some already.
const question = "dispatcher?"

// A dispatcher with a screen is one like any other, but that its log goes to a file;
// q asks, and stops it.
func TestDispatcherWithScreen(t *testing.T) {
	d := newScreened(t)
	before := d.Modes()
	expect(t, d.c.Ctl(timeout(t), "submit", "--name", "waiting", "--", "true"), 0, "1\n", "")
	d.Type("2")
	d.await("waiting")
	d.Type("3")
	d.await("job.submitted")
	d.Type("q")
	d.await(question)
	d.Type("n1")
	d.await("octasklyd") // by which one starts a worker
	expect(t, d.c.Ctl(timeout(t), "ls", "-o", "quiet"), 0, "1\n", "")
	d.Type("q")
	d.await(question)
	d.Type("y")
	log := filepath.Join(d.c.Dir, "dispatcher/dispatcher.log")
	d.await("its log is " + log)
	d.await("it ended with 0.")
	if d.Modes() == before {
		t.Error("the terminal was never taken")
	}
	if text := string(readFile(t, log)); !strings.Contains(text, "Dispatcher is ready") || !strings.Contains(text, "Dispatcher has stopped") {
		t.Errorf("its log is\n%s", text)
	}
	if strings.Contains(d.Written(), "level=INFO") {
		t.Errorf("its log is on the screen:\n%q", d.Written())
	}
	start(t, d.c.Dispatcher) // what it had accepted is there
	expect(t, d.c.Ctl(timeout(t), "ls", "-o", "quiet"), 0, "1\n", "")
}

// TERM ends both, and so does a terminal that is gone; HUP reads the configuration.
func TestDispatcherWithScreenIsSignalled(t *testing.T) {
	pid := func(d *screened) int {
		for _, p := range alive(t, d.c.Dir+"/dispatcher\x00") {
			if text, _ := os.ReadFile("/proc/" + itoa(p) + "/cmdline"); !strings.HasPrefix(string(text), "sh\x00") {
				return p
			}
		}
		t.Fatal("there is no dispatcher")
		return 0
	}
	log := func(d *screened) string { return d.c.Dir + "/dispatcher/dispatcher.log" }
	stops := func(d *screened) {
		t.Helper()
		awaitSuccess(t, func() bool { return strings.Contains(string(readFile(t, log(d))), "Dispatcher has stopped") })
		awaitSuccess(t, func() bool { return len(alive(t, d.c.Dir+"/dispatcher\x00")) == 0 })
	}
	t.Run("TERM", func(t *testing.T) {
		d := newScreened(t)
		check(t, syscall.Kill(pid(d), syscall.SIGTERM))
		d.await("it ended with 0.")
		d.HangUp() // which ends the shell
		stops(d)
	})
	t.Run("HUP", func(t *testing.T) {
		d := newScreened(t)
		check(t, syscall.Kill(pid(d), syscall.SIGHUP))
		awaitSuccess(t, func() bool { return strings.Contains(string(readFile(t, log(d))), "configuration is read again") })
		d.Type("q")
		d.await(question)
		d.Type("y")
		d.await("it ended with 0.")
	})
	t.Run("lost terminal", func(t *testing.T) {
		d := newScreened(t)
		d.HangUp()
		stops(d)
	})
}

func TestScreenNeedsTerminal(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	cmd := octasklydIn(t, c, "dispatcher", "--ui", "--state-dir", c.Dir+"/dispatcher", "--socket", c.Socket())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	expect(t, ranTo(cmd), 2, "", "cannot use --ui: this is no terminal; leave it out, and octasklyctl top shows the same elsewhere")
	checked := octasklydIn(t, c, "config", "check", "dispatcher", "--ui")
	checked.SysProcAttr = cmd.SysProcAttr
	expect(t, ranTo(checked), 2, "", "cannot use --ui: this is no terminal")
	if left, err := os.ReadDir(c.Dir + "/dispatcher"); err == nil {
		t.Errorf("it has begun with %v", left)
	}
}
