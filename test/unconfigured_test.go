package test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/octaskly/octaskly/test/cluster"
)

// Two terminals, nothing configured, any user: the worker finds the dispatcher
// and its key, octasklyctl finds the socket.
func TestNothingConfigured(t *testing.T) {
	if conn, err := net.Dial("tcp", "127.0.0.1:7878"); err == nil {
		conn.Close()
		t.Skip("somebody else listens on the port of an unconfigured dispatcher")
	}
	programs, err := cluster.Build()
	check(t, err)
	home := userHome(t)
	octasklyd, octasklyctl := lend(t, programs.Daemon, home), lend(t, programs.Ctl, home)
	daemon := func(role string) *bytes.Buffer {
		var log bytes.Buffer
		cmd := asUser(exec.CommandContext(timeout(t), octasklyd, role), home)
		cmd.Stderr = &log
		check(t, cmd.Start())
		t.Cleanup(func() {
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
			if t.Failed() {
				t.Logf("%s:\n%s", role, log.String())
			}
		})
		return &log
	}
	daemon("worker") // first: it waits for the key
	daemon("dispatcher")
	run := func() (string, error) {
		out, err := asUser(exec.CommandContext(timeout(t), octasklyctl, "run", "--", "sh", "-c", "echo $HOME; pwd"), home).Output()
		return string(out), err
	}
	awaitSuccess(t, func() bool { _, err := run(); return err == nil })
	out, err := run()
	check(t, err)
	work := filepath.Join(home, ".local/state/octaskly/worker/executor/work")
	if lines := strings.Split(out, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], work) {
		t.Errorf("it says %q", out)
	}
	key, err := os.Stat(filepath.Join(home, ".local/state/octaskly/dispatcher/fleet.key"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", key, err)
	}
	// Commands with the same input have one file, which is this user's.
	twice := asUser(exec.CommandContext(timeout(t), octasklyctl, "run", "--stdin", "-", "--", "sh", "-c", "cat; echo spoiled >/dev/stdin || cat /dev/stdin"), home)
	twice.Stdin = strings.NewReader("precious\n")
	if read, err := twice.Output(); err != nil || string(read) != "precious\nprecious\n" {
		t.Errorf("of its input it reads %q, %v", read, err)
	}
}

// nobody is the user that has nothing, on Debian and elsewhere.
const nobody = 65534

// userHome is a home for a plain user: nobody's where this is root.
func userHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "octaskly-home-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(home) })
	if os.Getuid() == 0 {
		check(t, os.Chown(home, nobody, nobody))
	}
	return home
}

// lend copies a program to where the user may execute it.
func lend(t *testing.T, program, home string) string {
	t.Helper()
	data, err := os.ReadFile(program)
	check(t, err)
	path := filepath.Join(home, filepath.Base(program))
	check(t, os.WriteFile(path, data, 0o755))
	return path
}

func asUser(cmd *exec.Cmd, home string) *exec.Cmd {
	cmd.Dir = home
	// The network of the machine that runs the tests is none of theirs.
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "OCTASKLY_ANNOUNCE=false", "OCTASKLY_DISCOVER=false"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}
