package executor

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// openDirectory opens the directory that a spec names, if the executor's
// configuration allows it, for the command to start in. It sees what the account
// sees. From there a command may go wherever its user may.
func (s *slot) openDirectory(dir string) (fd int, f *failure) {
	err := s.x.account.look(func() { fd, f = s.openAllowed(dir) })
	if err != nil {
		return -1, failuref(octaskly.ReasonExecutor, "%v", err)
	}
	return fd, f
}

func (s *slot) openAllowed(dir string) (fd int, f *failure) {
	fd, path, err := resolve(dir)
	if err != nil {
		return -1, s.explainDirError(dir, err)
	}
	for _, allowed := range s.x.allowed {
		if isBelow(path, allowed) {
			return fd, nil
		}
	}
	unix.Close(fd)
	return -1, failuref("cwd:EACCES", "directory %q lies below none of %s, which is all that worker %q allows: see directories in its executor.toml",
		dir, strings.Join(s.x.allowed, ", "), s.worker)
}

// isBelow reports whether a path without links is that of a directory, or of
// something in it.
func isBelow(path, directory string) bool {
	fd, top, err := resolve(directory)
	if err != nil {
		return false
	}
	unix.Close(fd)
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(top, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// resolve opens a directory and returns also its path without links.
func resolve(dir string) (fd int, path string, err error) {
	fd, err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, "", err
	}
	var buf [unix.PathMax]byte
	n, err := unix.Readlink(descriptorPath(fd), buf[:])
	if err == nil && n == len(buf) {
		err = unix.ENAMETOOLONG
	}
	if err != nil {
		unix.Close(fd)
		return -1, "", err
	}
	return fd, string(buf[:n]), nil
}

// descriptorPath is a path of an open file, which nobody can put another one
// behind.
func descriptorPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// explainDir says what is wrong with the directory that a spec names.
func (s *slot) explainDir(dir string) *failure {
	if dir == "" {
		return nil
	}
	var info unix.Stat_t
	err := unix.Stat(dir, &info)
	if err == nil && info.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err == nil {
		err = unix.Faccessat(unix.AT_FDCWD, dir, unix.X_OK, unix.AT_EACCESS)
	}
	return s.explainDirError(dir, err)
}

func (s *slot) explainDirError(dir string, err error) *failure {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return nil
	}
	reason := octaskly.Reason("cwd:" + unix.ErrnoName(errno))
	switch errno {
	case unix.ENOENT:
		return failuref(reason, "directory %q does not exist on worker %q; files do not travel by themselves", dir, s.worker)
	case unix.ENOTDIR:
		return failuref(reason, "%q is not a directory on worker %q", dir, s.worker)
	case unix.EACCES:
		return failuref(reason, "%s may not enter directory %q", s.who(), dir)
	}
	return failuref(reason, "%s cannot enter directory %q: %v", s.who(), dir, errno)
}
