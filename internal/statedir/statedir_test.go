package statedir

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// With HOLD_DIR set the test program is another daemon: it takes the directory,
// says so, and holds it until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("HOLD_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := Open(dir); err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	os.Stdin.Read(make([]byte, 1))
}

func TestOneDaemonAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := Open(dir); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("a second one: %v", err)
	}
	d.Close()
	if d, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	d.Close()
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
	holder.Process.Kill()
	holder.Wait()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestUnusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(file)
	want := `cannot use state directory "` + file + `": not a directory; choose another with --state-dir DIR`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
