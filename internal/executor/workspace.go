package executor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// workspace is an empty directory that a slot's commands run in. One that a
// command has left as it found it serves the next one too.
type workspace struct {
	name    string
	path    string
	account *Account // whom it belongs to
	log     *slog.Logger
	fd      int         // the open directory; -1: there is none
	made    unix.Stat_t // as it was new
	aside   int         // how many could not be removed
}

// mkdirTries is how many further names are tried for a workspace.
const mkdirTries = 3

// make makes the directory unless it is there.
func (w *workspace) make() error {
	if w.fd >= 0 {
		return nil
	}
	err := os.Mkdir(w.path, 0o700)
	for range mkdirTries {
		if err == nil {
			break
		}
		// A command of our own user may have made what is above it unwritable, or
		// what is there immovable.
		if w.account == nil {
			os.Chmod(filepath.Dir(w.path), 0o700)
		}
		w.aside++
		w.path = filepath.Join(filepath.Dir(w.path), w.name+"-"+strconv.Itoa(w.aside))
		err = os.Mkdir(w.path, 0o700)
	}
	if err == nil {
		w.fd, err = unix.Open(w.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		err = w.account.own(w.fd)
	}
	if err == nil {
		err = unix.Fstat(w.fd, &w.made)
	}
	if err != nil {
		w.close()
		return fmt.Errorf("cannot make a workspace: %w", err)
	}
	return nil
}

// renew removes the workspace after a command that began at a time and has
// touched it. The next command's start makes it anew.
func (w *workspace) renew(began time.Time) {
	if w.untouched(began) {
		return
	}
	w.close()
	err := removeTree(w.path)
	if err == nil {
		return
	}
	w.aside++
	aside := w.path + ".stale-" + strconv.Itoa(w.aside)
	if renameErr := os.Rename(w.path, aside); renameErr != nil {
		err = errors.Join(err, renameErr)
	}
	w.log.Warn("a workspace cannot be removed and is set aside", "path", aside, "error", err)
}

// tick is more than the time between two values of a file system's clock, which
// follows the kernel's timer: 10 ms at most.
const tick = 20 * time.Millisecond

// untouched reports whether the directory is as it was made. Any change of a
// directory or its entries moves its ctime on, but perhaps not within a tick;
// then it must at least be empty.
func (w *workspace) untouched(began time.Time) bool {
	var now unix.Stat_t
	if w.fd < 0 || unix.Fstat(w.fd, &now) != nil {
		return false
	}
	if now.Ctim != w.made.Ctim || now.Nlink != w.made.Nlink || now.Mode != w.made.Mode {
		return false
	}
	return began.Sub(time.Unix(now.Ctim.Unix())) > tick || w.empty()
}

func (w *workspace) empty() bool {
	var buf [512]byte
	if _, err := unix.Seek(w.fd, 0, unix.SEEK_SET); err != nil {
		return false
	}
	n, err := unix.ReadDirent(w.fd, buf[:])
	if err != nil {
		return false
	}
	_, _, names := unix.ParseDirent(buf[:n], -1, nil)
	return len(names) == 0
}

func (w *workspace) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}

// clearDirectory removes what is in a directory but for the paths to keep, as far
// as it can.
func clearDirectory(path string, keep []string) error {
	entries, err := os.ReadDir(path)
	for _, entry := range entries {
		if at := filepath.Join(path, entry.Name()); !slices.Contains(keep, at) {
			err = errors.Join(err, removeTree(at))
		}
	}
	return err
}
