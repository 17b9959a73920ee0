package test

import (
	"bytes"
	"crypto/tls"
	"database/sql"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/octaskly/octaskly/test/cluster"
)

// octasklyd runs a daemon that is expected to refuse, and returns what it says.
func octasklyd(t *testing.T, args ...string) (stderr string, code int) {
	t.Helper()
	programs, err := cluster.Build()
	check(t, err)
	cmd := exec.CommandContext(timeout(t), programs.Daemon, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "OCTASKLY_CONFIG_DIR=" + t.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err == nil {
		t.Errorf("octasklyd %s succeeds", strings.Join(args, " "))
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// A daemon that cannot serve says why and what to do.
func TestDaemonRefusals(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	state := filepath.Join(c.Dir, "dispatcher")
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	long := "/tmp/" + strings.Repeat("s", 110)
	newer := filepath.Join(dir, "newer")
	makeNewer(t, newer)
	config := filepath.Join(dir, "c.toml")
	check(t, os.WriteFile(config, []byte("fleet = \"x\"\nlisten_on = \":1\"\n"), 0o600))
	open := filepath.Join(dir, "open.key")
	check(t, os.WriteFile(open, []byte("x"), 0o644))

	for _, test := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"state directory in use", []string{"dispatcher", "--state-dir", state, "--socket", dir + "/s"},
			`cannot use state directory "` + state + `": another octaskly daemon is using it; give this one another with --state-dir DIR`, 1},
		{"state directory is a file", []string{"dispatcher", "--state-dir", file, "--socket", dir + "/s"},
			`cannot use state directory "` + file + `": not a directory`, 1},
		{"state directory cannot be made", []string{"dispatcher", "--state-dir", "/proc/octaskly", "--socket", dir + "/s"},
			`cannot use state directory "/proc/octaskly"`, 1},
		{"socket in use", []string{"dispatcher", "--state-dir", dir + "/1", "--socket", c.Socket(), "--listen", "127.0.0.1:0"},
			"in use by another daemon", 1},
		{"socket path too long", []string{"dispatcher", "--state-dir", dir + "/2", "--socket", long},
			"its path has 115 bytes, unix(7) allows 107; give a shorter one by --socket", 1},
		{"port in use", []string{"dispatcher", "--state-dir", dir + "/3", "--socket", dir + "/s", "--listen", c.Address()},
			"address already in use", 1},
		{"newer database", []string{"dispatcher", "--state-dir", newer, "--socket", dir + "/s", "--listen", "127.0.0.1:0"},
			"its schema is version 99, this program knows up to 6; install a newer octaskly", 1},
		{"unknown key", []string{"dispatcher", "--config", config}, config + ":2:1: listen_on: there is no such key", 1},
		{"key others may read", []string{"dispatcher", "--state-dir", dir + "/4", "--socket", dir + "/s", "--join-key-file", open}, "chmod 600", 1},
		{"unknown flag", []string{"dispatcher", "--statedir", "x"}, "flag provided but not defined: -statedir", 2},
		{"unknown word", []string{"dispatcher", "now"}, `unexpected argument "now"`, 2},
		{"unknown role", []string{"conductor"}, `unknown command "conductor"`, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			stderr, code := octasklyd(t, test.args...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, %s\nwant %d, …%s…", code, stderr, test.code, test.want)
			}
		})
	}
}

// makeNewer makes a state directory whose database is of the future.
func makeNewer(t *testing.T, dir string) {
	t.Helper()
	check(t, os.Mkdir(dir, 0o700))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "octaskly.db"))
	check(t, err)
	_, err = db.Exec(`PRAGMA user_version = 99`)
	check(t, err)
	check(t, db.Close())
}

// Strangers at the workers' port get nothing, cost nothing, and are logged once.
func TestStrangers(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	before := sockets(t, c.Dispatcher.PID())
	for range 20 {
		knock(t, c.Address(), func(conn net.Conn) { io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") })
		knock(t, c.Address(), func(conn net.Conn) { conn.Write(bytes.Repeat([]byte{0xff}, 4096)) })
	}
	stranger := tls.Client(dial(t, c.Address()), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err := stranger.HandshakeContext(timeout(t)); err == nil {
		stranger.SetReadDeadline(time.Now().Add(patience))
		if n, _ := io.ReadFull(stranger, make([]byte, 1)); n > 0 {
			t.Error("a stranger was answered")
		}
	}
	stranger.Close()
	expect(t, c.Ctl(timeout(t), "run", "--", "echo", "still here"), 0, "still here\n", "")
	awaitSuccess(t, func() bool { return sockets(t, c.Dispatcher.PID()) <= before })
	if n := strings.Count(c.Dispatcher.Logs(), "it does not speak TLS"); n != 1 {
		t.Errorf("the log says so %d times:\n%s", n, c.Dispatcher.Logs())
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	check(t, err)
	return conn
}

// knock says something and waits until the door is shut.
func knock(t *testing.T, address string, say func(net.Conn)) {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	say(conn)
	if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the door stays open: %v", err)
	}
}

// sockets counts those that a process has open.
func sockets(t *testing.T, pid int) (n int) {
	t.Helper()
	dir := filepath.Join("/proc", itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		if what, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(what, "socket:") {
			n++
		}
	}
	return n
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("/proc", itoa(pid), "fd"))
	check(t, err)
	return len(entries)
}

// A worker with another key is refused, and both sides say what to do.
func TestWrongKey(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	other := cluster.Open(t, cluster.Options{})
	start(t, other.Dispatcher)
	w := c.Worker("w2", "--join-key-file", filepath.Join(other.Dir, "dispatcher", "fleet.key"))
	check(t, w.Launch())
	awaitLog(t, w, "its fleet key is another one; copy the key file from the dispatcher's machine")
	awaitLog(t, c.Dispatcher, "its fleet key is another one")
	if ls := must(t, c, "worker", "ls"); !strings.Contains(ls, "w1") || strings.Contains(ls, "w2") {
		t.Errorf("workers: %s", ls)
	}
}

// awaitLog waits until a daemon has logged text.
func awaitLog(t *testing.T, d *cluster.Daemon, text string) {
	t.Helper()
	for ctx := timeout(t); ctx.Err() == nil; {
		if strings.Contains(d.Logs(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond) // a log has no event to wait for
	}
	t.Errorf("the log does not say %q:\n%s", text, d.Logs())
}
