package executor

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A tree made to be hard to remove goes, and nothing that it points at.
func TestRemoveHostileTree(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "kept")
	check(t, os.WriteFile(outside, []byte("x"), 0o600))
	path := filepath.Join(t.TempDir(), "tree")
	check(t, os.Mkdir(path, 0o700))
	for i := range 2 * maxDepth { // names that raise would take
		check(t, os.Mkdir(filepath.Join(path, fmt.Sprintf(".octaskly-deep-%d", i)), 0o700))
	}
	check(t, os.Symlink(filepath.Dir(outside), filepath.Join(path, "link")))
	check(t, os.Link(outside, filepath.Join(path, "hard")))
	check(t, unix.Mkfifo(filepath.Join(path, "fifo"), 0o600))
	dig(t, path, 3000)
	var files unix.Rlimit
	check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &files))
	few := unix.Rlimit{Cur: openFiles(t) + 2*maxDepth, Max: files.Max}
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	err := removeTree(path)
	check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &files))
	check(t, err)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the tree is there: %v", err)
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "x" {
		t.Errorf("what it pointed at is %q, %v", text, err)
	}
}

func openFiles(t *testing.T) uint64 {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return uint64(len(entries))
}

// dig makes directories in each other.
func dig(t *testing.T, path string, depth int) {
	t.Helper()
	dir, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY, 0)
	check(t, err)
	for range depth {
		check(t, unix.Mkdirat(dir, "d", 0o700))
		next, err := unix.Openat(dir, "d", unix.O_PATH|unix.O_DIRECTORY, 0)
		check(t, err)
		unix.Close(dir)
		dir = next
	}
	unix.Close(dir)
}
