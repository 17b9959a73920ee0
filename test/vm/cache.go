package vm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockInterval is how often a lock that another process holds is tried again;
// flock(2) cannot be interrupted by a context.
const lockInterval = 100 * time.Millisecond

// cacheDir is where images and machines lie.
func cacheDir() (string, error) {
	dir := "/var/cache"
	if home := os.Getenv("XDG_CACHE_HOME"); home != "" || os.Getuid() != 0 {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("cannot cache images: %w", err)
		}
	}
	dir = filepath.Join(dir, "octaskly-vm")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot cache images: %w", err)
	}
	return dir, nil
}

// lock is a file that processes lock in turn.
type lock struct{ file *os.File }

// shared and exclusive wait for a lock; both also change one that is held.
const (
	shared    = unix.LOCK_SH
	exclusive = unix.LOCK_EX
)

func openLock(path string) (lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return lock{}, fmt.Errorf("cannot open lock: %w", err)
	}
	return lock{file}, nil
}

// try takes the lock unless that would take waiting.
func (l lock) try(how int) bool { return unix.Flock(int(l.file.Fd()), how|unix.LOCK_NB) == nil }

func (l lock) take(ctx context.Context, how int) error {
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for !l.try(how) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot lock %q: %w", l.file.Name(), context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

// Close releases the lock.
func (l lock) Close() error { return l.file.Close() }

// scratch makes a directory in parent that its owner holds locked, and removes
// those whose owner has ended without doing so.
func scratch(ctx context.Context, parent string) (dir string, held lock, err error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", lock{}, err
	}
	gate, err := openLock(filepath.Join(parent, "gate"))
	if err != nil {
		return "", lock{}, err
	}
	defer gate.Close()
	if err := gate.take(ctx, exclusive); err != nil {
		return "", lock{}, err
	}
	if err := sweep(parent); err != nil {
		return "", lock{}, err
	}
	if dir, err = os.MkdirTemp(parent, "m"); err != nil {
		return "", lock{}, err
	}
	if held, err = openLock(filepath.Join(dir, "lock")); err == nil {
		err = held.take(ctx, exclusive)
	}
	return dir, held, err
}

// sweep removes the directories in parent that nobody holds.
func sweep(parent string) error {
	locks, err := filepath.Glob(filepath.Join(parent, "*", "lock"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range locks {
		errs = append(errs, removeUnheld(path))
	}
	return errors.Join(errs...)
}

// removeUnheld removes the directory of a lock that nobody holds.
func removeUnheld(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner was quicker
	} else if err != nil {
		return err
	}
	defer file.Close()
	if !(lock{file}).try(exclusive) {
		return nil
	}
	return os.RemoveAll(filepath.Dir(path))
}
