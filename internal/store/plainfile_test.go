package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A database that is a link, has other names, or is no file at all is opened by
// nobody: a pipe would never be, and by two names two could use it.
func TestOnlyPlainFiles(t *testing.T) {
	link := func(other, path string) error { return os.Symlink(other, path) }
	for _, suffix := range []string{"", "-wal", "-shm"} {
		for want, put := range map[string]func(other, path string) error{
			"is a symbolic link": link,
			"has 2 names":        os.Link,
			"is a named pipe":    func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
			"is a directory":     func(_, path string) error { return os.Mkdir(path, 0o700) },
		} {
			t.Run(want+suffix, func(t *testing.T) {
				live := openTemp(t)
				accept(t, live, newID(live))
				path := filepath.Join(t.TempDir(), "octaskly.db")
				if suffix != "" {
					data, err := os.ReadFile(live.path)
					if err := errors.Join(err, os.WriteFile(path, data, 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				if err := put(live.path+suffix, path+suffix); err != nil {
					t.Skip(err) // of another file system
				}
				s, err := Open(ctx, path, quiet)
				if err == nil {
					s.Close()
				}
				for what, err := range map[string]error{
					"open": err, "verify": Verify(ctx, path), "backup": Backup(ctx, path, filepath.Join(t.TempDir(), "b.db")),
				} {
					if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path+suffix) {
						t.Errorf("%s: %v", what, err)
					}
				}
			})
		}
	}
}

// A link to nothing makes no database elsewhere.
func TestDanglingLink(t *testing.T) {
	other, path := filepath.Join(t.TempDir(), "other.db"), filepath.Join(t.TempDir(), "octaskly.db")
	if err := os.Symlink(other, path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, path, quiet); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Error(err)
	}
	if _, err := os.Lstat(other); !errors.Is(err, os.ErrNotExist) {
		t.Error("a database was made behind the link")
	}
}
