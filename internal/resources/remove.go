package resources

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// removeCgroup removes an empty cgroup and those below it. A cgroup's files go
// with its directory. The kernel may still be busy with the last who has left.
func removeCgroup(path string) error {
	for end := time.Now().Add(lag); ; time.Sleep(time.Millisecond) {
		err := unix.Rmdir(path)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return fmt.Errorf("cannot remove cgroup %q: %w", path, err)
		}
		if err := removeBelow(path); err != nil {
			return err
		}
	}
}

func removeBelow(path string) (err error) {
	entries, _ := os.ReadDir(path) // whatever is left shows by the next attempt
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeCgroup(filepath.Join(path, entry.Name())))
		}
	}
	return err
}
