// Package statedir makes sure that a daemon's state directory is there, can be
// written and belongs to one daemon at a time.
package statedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another daemon has the directory.
var ErrInUse = errors.New("another octaskly daemon is using it")

// Dir is a state directory that this process has for itself until Close.
type Dir struct {
	path string
	lock *os.File
}

// Open makes the directory if it must, for its owner alone, and locks it. The
// lock is flock(2)'s on its file "lock": the kernel releases it with the
// process, however that ends, so that nothing stale is ever in the way. What the
// file says, the process's number, counts for nothing.
func Open(path string) (*Dir, error) { return explained(path, open) }

// OpenFor is Open for a tool that prepares the directory of a daemon, which may
// run as another user: root's tools may, and leave the lock to that user.
func OpenFor(path string) (*Dir, error) {
	return explained(path, func(path string) (*Dir, error) {
		var info unix.Stat_t
		if err := unix.Stat(path, &info); err != nil || unix.Geteuid() != 0 {
			return open(path)
		}
		return lock(path, int(info.Uid), int(info.Gid))
	})
}

func explained(path string, open func(string) (*Dir, error)) (*Dir, error) {
	d, err := open(path)
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("cannot use state directory %q: %w; give this one another with --state-dir DIR", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use state directory %q: %w; choose another with --state-dir DIR", path, reason(err))
	}
	return d, nil
}

func open(path string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	if err := ours(path); err != nil {
		return nil, err
	}
	return lock(path, -1, -1)
}

// lock locks the directory with a file that belongs to uid and gid; -1 is whose
// it is.
func lock(path string, uid, gid int) (*Dir, error) {
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := lock.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("its lock is no regular file"), lock.Close())
	}
	err = unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK|unix.X_OK, unix.AT_EACCESS) // the lock may be older than that
	if err == nil {
		err = take(lock)
	}
	if err == nil && uid >= 0 {
		err = lock.Chown(uid, gid)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	sign(lock)
	return &Dir{path, lock}, nil
}

// patience is how long a child may take to its exec that was forked by a daemon
// which has been killed: until then it holds the lock.
const patience = time.Second

func take(lock *os.File) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Now().After(end):
			return ErrInUse
		}
	}
}

// sign leaves the number of this process to people who look for it. They may
// miss it on a full disk, which is no reason not to start.
func sign(lock *os.File) {
	if lock.Truncate(0) == nil {
		fmt.Fprintln(lock, os.Getpid())
	}
}

// ours refuses a directory in which somebody else may have prepared something.
func ours(path string) error {
	var info unix.Stat_t
	if err := unix.Stat(path, &info); err != nil {
		return err
	}
	switch {
	case int(info.Uid) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d", info.Uid)
	case info.Mode&0o002 != 0:
		return errors.New("everybody may write to it; take that away with chmod o-w")
	}
	return nil
}

// reason leaves out the path, which the message has already.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Path is the path of something in the directory.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close lets others have the directory.
func (d *Dir) Close() error {
	return errors.Join(d.lock.Truncate(0), d.lock.Close())
}
