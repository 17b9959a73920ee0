package statedir

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// With HOLD_DIR set the test program is another daemon: it takes the directory,
// says so, and holds it until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("HOLD_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	d, err := Open(dir)
	if err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	os.Stdin.Read(make([]byte, 1))
	d.Close()
}

func TestOneDaemonAtATime(t *testing.T) {
	defer unix.Umask(unix.Umask(0o022))
	dir := filepath.Join(t.TempDir(), "a", "state")
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o755, d.Path("lock"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	_, err = Open(dir)
	want := `cannot use state directory "` + dir + `": another octaskly daemon is using it; give this one another with --state-dir DIR`
	if !errors.Is(err, ErrInUse) || err.Error() != want {
		t.Errorf("a second one: %v\nwant %s", err, want)
	}
	checkHolder(t, dir, strconv.Itoa(os.Getpid())+"\n")
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	checkHolder(t, dir, "")
	if d, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func checkHolder(t *testing.T, dir, want string) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(dir, "lock")); err != nil || string(text) != want {
		t.Errorf("the lock says %q, %v, want %q", text, err, want)
	}
}

func TestPath(t *testing.T) {
	d := &Dir{path: "/var/lib/x"}
	if got := d.Path("output", "42"); got != "/var/lib/x/output/42" {
		t.Error(got)
	}
}

func TestLockDiesWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "HOLD_DIR="+dir)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("while another process has it: %v", err)
	}
	checkHolder(t, dir, strconv.Itoa(holder.Process.Pid)+"\n")
	holder.Process.Kill()
	holder.Wait()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	checkHolder(t, dir, strconv.Itoa(os.Getpid())+"\n")
	d.Close()
}

func TestUnusable(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path string) error
		want string
	}{
		{"a file", func(path string) error { return os.WriteFile(path, nil, 0o600) }, "not a directory"},
		{"below a file", func(path string) error {
			return errors.Join(os.Remove(filepath.Dir(path)), os.WriteFile(filepath.Dir(path), nil, 0o600))
		}, "not a directory"},
		{"a lock that leads elsewhere", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Symlink("/dev/null", filepath.Join(path, "lock")))
		}, "too many levels of symbolic links"},
		{"a lock that is a pipe", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), unix.Mkfifo(filepath.Join(path, "lock"), 0o600))
		}, "its lock is no regular file"},
		{"everybody's", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777))
		}, "everybody may write to it; take that away with chmod o-w"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a", "state")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), test.make(path)); err != nil {
				t.Fatal(err)
			}
			checkUnusable(t, path, test.want)
		})
	}
}

func TestSomebodyElses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	path := t.TempDir()
	if err := os.Chown(path, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	checkUnusable(t, path, "it belongs to user 4711")
}

func TestReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write to any directory")
	}
	path := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(path, "lock"), nil, 0o600), os.Chmod(path, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(path, 0o700)
	checkUnusable(t, path, "permission denied")
}

func checkUnusable(t *testing.T, path, why string) {
	t.Helper()
	_, err := Open(path)
	want := `cannot use state directory "` + path + `": ` + why + `; choose another with --state-dir DIR`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
