package client

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNothingIsBurned renews nothing that could not be kept: a refresh token is good
// once.
func TestNothingIsBurned(t *testing.T) {
	for what, hinder := range map[string]func(*testing.T, *ContextFile){
		"its directory cannot be written": readOnly,
		"the disk is full":                fullDisk,
	} {
		t.Run(what, func(t *testing.T) {
			r := newRemote(t, &fake{})
			ended := r.context(-time.Hour)
			file := stored(t, ended)
			hinder(t, file)
			for range 2 {
				_, err := r.client(t, ended, file).Stats(t.Context())
				unkept, ok := errors.AsType[*Unkept](err)
				if !ok || unkept.Path != file.Path || !strings.HasPrefix(err.Error(), "cannot keep the login: cannot write the contexts in ") {
					t.Errorf("%v", err)
				}
			}
			if err := file.Writable(t.Context()); err == nil {
				t.Error("it is said to be writable")
			}
			if renewals, stolen := r.book.counts(); renewals != 0 || stolen {
				t.Errorf("%d renewals, stolen %v", renewals, stolen)
			}
			if got := load(t, file); got != ended {
				t.Errorf("stored %+v", got)
			}
			if left, err := os.ReadDir(filepath.Dir(file.Path)); len(left) != 2 || err != nil {
				t.Error(left, err)
			}
		})
	}
}

// readOnly is a directory of somebody else's.
func readOnly(t *testing.T, f *ContextFile) {
	if os.Getuid() != 0 {
		if err := os.Chmod(filepath.Dir(f.Path), 0o500); err != nil {
			t.Fatal(err)
		}
		return
	}
	const nobody = 65534
	for path := f.Path; path != "/" && strings.HasPrefix(path, os.TempDir()); path = filepath.Dir(path) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			os.Chmod(path, info.Mode()|0o055)
		}
	}
	for _, path := range []string{f.Path, f.Path + ".lock"} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	if _, err := unix.SetfsuidRetUid(nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.SetfsuidRetUid(0)
		runtime.UnlockOSThread()
	})
}

// fullDisk lets no file grow. It is for a process of its own: go test itself writes
// files.
func fullDisk(t *testing.T, _ *ContextFile) {
	const child = "OCTASKLY_TEST_FULL_DISK"
	if os.Getenv(child) == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		again.Env = append(os.Environ(), child+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		t.SkipNow()
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	})
}

// TestLostSession tells of a renewal that could not be stored after all, once: this
// program can go on.
func TestLostSession(t *testing.T) {
	r := newRemote(t, &fake{})
	ended := r.context(-time.Hour)
	file := stored(t, ended)
	r.book.beforeEnd = func() { // a file takes the place of the directory
		dir := filepath.Dir(file.Path)
		if err := errors.Join(os.Rename(dir, dir+".away"), os.WriteFile(dir, nil, 0o600)); err != nil {
			t.Error(err)
		}
	}
	c := r.client(t, ended, file)
	if _, err := c.Stats(t.Context()); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("cannot keep the login: cannot write the contexts in %q: ", file.Path)) {
		t.Error(err)
	}
	if _, err := c.Stats(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDraft keeps what is longer than was thought, and what is shorter.
func TestDraft(t *testing.T) {
	f := stored(t, Context{Name: "lab", URL: "https://h", Token: "t"})
	for _, n := range []int{1, growth * 2, 5} {
		d, err := f.draft()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Repeat("x", n)
		if err := errors.Join(d.commit([]byte(want)), d.Close()); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(f.Path); string(got) != want || err != nil {
			t.Errorf("%d bytes, want %d: %v", len(got), n, err)
		}
	}
	for range 2 { // nothing is left of what was given up
		d, err := f.draft()
		if err != nil || d.Close() != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(f.Path)); len(left) != 2 || err != nil {
		t.Error(left, err)
	}
}
