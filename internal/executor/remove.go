package executor

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// removeTree removes path and what is below it, however a task has made it: it
// follows no link, enters no other file system, and holds maxDepth directories
// open at most. What lies deeper is first moved to the top, where it is next.
// Directories that their owner may not change are made changeable.
func removeTree(path string) error {
	parent, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err == nil {
		defer unix.Close(parent)
		err = (&remover{top: -1}).remove(parent, filepath.Base(path), 0)
	}
	if err != nil {
		return fmt.Errorf("cannot remove %q: %w", path, err)
	}
	return nil
}

const maxDepth = 32

type remover struct {
	top   int // the tree's first directory
	moved int // to it
}

// remove removes one name, which need not be there.
func (r *remover) remove(parent int, name string, depth int) error {
	err := unix.Unlinkat(parent, name, 0)
	switch {
	case err == nil || errors.Is(err, unix.ENOENT):
		return nil
	case !errors.Is(err, unix.EISDIR):
		return err
	case depth > maxDepth:
		return r.raise(parent, name)
	}
	if err := r.removeContents(parent, name, depth); err != nil {
		return err
	}
	return unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
}

// raise moves a directory to the top, to a name that the task has not taken.
func (r *remover) raise(parent int, name string) error {
	for {
		r.moved++
		err := unix.Renameat2(parent, name, r.top, fmt.Sprintf(".octaskly-deep-%d", r.moved), unix.RENAME_NOREPLACE)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
}

func (r *remover) removeContents(parent int, name string, depth int) error {
	dir, err := openBelow(parent, name)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if r.top < 0 {
		r.top = dir
	}
	for {
		seen, failed, err := r.sweep(dir, depth)
		if seen == failed {
			return err
		}
	}
}

// sweep removes each name of a directory once.
func (r *remover) sweep(dir, depth int) (seen, failed int, err error) {
	if _, err := unix.Seek(dir, 0, unix.SEEK_SET); err != nil {
		return 0, 0, err
	}
	buf := make([]byte, 8<<10)
	for {
		n, readErr := unix.ReadDirent(dir, buf)
		if readErr != nil || n <= 0 {
			return seen, failed, errors.Join(err, readErr)
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			seen++
			if e := r.remove(dir, name, depth+1); e != nil {
				failed++
				err = e // one is enough: there may be millions
			}
		}
	}
}

// openBelow opens a directory to be emptied.
func openBelow(parent int, name string) (int, error) {
	dir, err := openat(parent, name, unix.O_RDONLY)
	if err == nil && unix.Faccessat(dir, "", unix.W_OK|unix.X_OK, unix.AT_EMPTY_PATH|unix.AT_EACCESS) == nil {
		return dir, nil
	}
	if err == nil {
		unix.Close(dir)
	} else if !errors.Is(err, unix.EACCES) {
		return -1, err
	}
	entry, err := openat(parent, name, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(entry)
	if err := unix.Chmod(descriptorPath(entry), 0o700); err != nil {
		return -1, err
	}
	return openat(parent, name, unix.O_RDONLY)
}

func openat(parent int, name string, mode uint64) (int, error) {
	mode |= unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat2(parent, name, &unix.OpenHow{
		Flags: mode, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	})
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.6
		return unix.Openat(parent, name, int(mode), 0)
	}
	return fd, err
}
