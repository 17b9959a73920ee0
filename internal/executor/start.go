package executor

import (
	"cmp"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// start executes e's command.
func (s *slot) start(e *entry) *failure {
	spec := e.Spec
	if len(spec.Argv) == 0 {
		return failuref(octaskly.ReasonSpawn("EINVAL"), "there is no command")
	}
	s.attr.Dir = spec.Dir
	if spec.Dir == "" {
		if err := s.space.make(); err != nil {
			return failuref(octaskly.ReasonExecutor, "%v", err)
		}
		s.attr.Dir = s.space.path
	}
	stdin, err := s.openStdin(e)
	if err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot open the input: %v", err)
	}
	defer s.closeStdin(stdin)
	if err := s.openPipes(spec.Merge); err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot make a pipe: %v", err)
	}
	s.setEnviron(e)
	program, err := find(spec.Argv[0], s.path, s.attr.Dir)
	if err == nil {
		marks := s.env[len(s.env)-markCount:]
		err = s.group.Start(program, spec.Argv, &s.attr, marks)
	}
	if err != nil {
		return s.explain(err, spec, program)
	}
	return nil
}

func (s *slot) openStdin(e *entry) (fd int, err error) {
	fd = s.x.null
	if e.StdinPath != "" {
		fd, err = unix.Open(e.StdinPath, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	s.files[0] = uintptr(fd)
	return fd, err
}

func (s *slot) closeStdin(fd int) {
	if fd != s.x.null {
		unix.Close(fd)
	}
}

// setEnviron makes the command's environment. The attempts of one job share most
// of it.
func (s *slot) setEnviron(e *entry) {
	if s.spec != e.Spec {
		s.env, s.path = appendSpecEnviron(s.env[:0], s.x.base, e.Spec.Env)
		s.spec, s.shared = e.Spec, len(s.env)
	}
	s.env = appendOwnEnviron(s.env[:s.shared], e.Attempt, s.x.worker)
	s.attr.Env = s.env
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
