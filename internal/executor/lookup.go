package executor

import (
	"cmp"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// finding is where a slot has found its last command. To look for it again costs
// as much as to make its pipes.
type finding struct {
	name, path string
	result     string
	at         time.Time
}

// fresh is how long a finding holds. In this time a program that appears in an
// earlier directory of the path goes unnoticed.
const fresh = time.Second

// program is find, for the same command at most once a second. It reports whether
// it knew the program from before.
func (f *finding) program(a *Account, name, path, dir string) (program string, known bool, err error) {
	if f.name == name && f.path == path && time.Since(f.at) < fresh {
		return f.result, true, nil
	}
	program, err = a.find(name, path, dir)
	if err == nil && filepath.IsAbs(program) { // or it depends on dir
		*f = finding{name, path, program, time.Now()}
	}
	return program, false, err
}

// find is the function find, as the account sees it.
func (a *Account) find(name, path, dir string) (program string, err error) {
	if strings.Contains(name, "/") { // there is nothing to be seen
		return find(name, path, dir)
	}
	if lookErr := a.look(func() { program, err = find(name, path, dir) }); lookErr != nil {
		return "", lookErr
	}
	return program, err
}

// find returns the program that name means, as execvp(3) looks for it: one with
// a slash is a path, relative to dir; any other is the first in path that may be
// executed.
func find(name, path, dir string) (program string, err error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	err = unix.ENOENT
	for entry := range strings.SplitSeq(path, ":") {
		candidate := cmp.Or(entry, ".") + "/" + name
		switch e := executable(inDirectory(dir, candidate)); e {
		case nil:
			return candidate, nil
		case unix.EACCES:
			program, err = candidate, e
		case unix.EINVAL:
			return "", e
		}
	}
	return program, err
}

// executable returns nil, or the errno for why not.
func executable(path string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil {
		return err
	}
	var info unix.Stat_t
	if err := unix.Stat(path, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EISDIR
	}
	return nil
}

// inDirectory is what a process in dir means by path.
func inDirectory(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return dir + "/" + path
}
