package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// plainFiles refuses a database, or one of the files that SQLite puts beside it,
// that is no file of its own: by another name somebody else may be using it, with
// another log, and of a pipe nobody comes back. It opens none: to close one would
// end SQLite's locks on it, see fcntl(2).
func plainFiles(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := plainFile(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

func plainFile(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case info.Mode().Type() == fs.ModeSymlink:
		to, _ := os.Readlink(path)
		return fmt.Errorf("%q is a symbolic link to %q, and whoever uses that cannot see that it is in use; put the file itself there, or remove the link: rm %s", path, to, path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is a %s, no regular file; move it away: mv %s %s.old", path, kindOf(info.Mode()), path, path)
	case ok && s.Nlink > 1:
		return fmt.Errorf("%q has %d names (hard links), and by another one somebody else may be using it; remove the others, which are found by: find / -xdev -samefile %s", path, s.Nlink, path)
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "directory"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}
