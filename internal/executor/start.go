package executor

import (
	"cmp"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// start executes e's command.
func (s *slot) start(e *entry) *failure {
	switch {
	case len(e.Spec.Argv) == 0:
		return failuref(octaskly.ReasonSpawn("EINVAL"), "there is no command")
	case isolated(e.Spec):
		return s.startBox(e)
	}
	return s.startPlain(e)
}

// isolated reports whether a spec asks for a box.
func isolated(spec *octaskly.Spec) bool { return levelOf(spec) != octaskly.LevelNone }

// levelOf is none for a spec from before there were levels.
func levelOf(spec *octaskly.Spec) octaskly.Level { return cmp.Or(spec.Level, octaskly.LevelNone) }

// startPlain executes e's command as the account, at level none.
func (s *slot) startPlain(e *entry) *failure {
	spec := e.Spec
	switch {
	case spec.Dir == "":
		if err := s.space.make(); err != nil {
			return failuref(octaskly.ReasonExecutor, "%v", err)
		}
		s.attr.Dir = s.space.path
	case len(s.x.allowed) > 0:
		fd, f := s.openDirectory(spec.Dir)
		if f != nil {
			return f
		}
		defer unix.Close(fd)
		s.attr.Dir = descriptorPath(fd)
	default:
		s.attr.Dir = spec.Dir
	}
	if spec.Limits.Disk > 0 && spec.Dir != "" {
		return failuref(octaskly.ReasonLacks(octaskly.LimitDisk), "at level none only a workspace can be bounded: leave out --cwd, or --disk")
	}
	if err := s.limit(spec); err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot set a limit: %v", err)
	}
	stdin, err := s.openStdin(e)
	if err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot open the input: %v", err)
	}
	defer s.closeStdin(stdin)
	if err := s.openPipes(spec.Merge, s.x.account.own); err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot make a pipe: %v", err)
	}
	s.setEnviron(e)
	if f := s.cleared(e); f != nil {
		return f
	}
	if program, err := s.exec(spec.Argv, spec.Limits.OpenFiles); err != nil {
		return s.explain(err, spec, program)
	}
	return nil
}

// limit bounds what is started next at level none. Disk is what the workspace
// takes: there is no /tmp of its own.
func (s *slot) limit(spec *octaskly.Spec) error {
	l := spec.Limits
	s.leaveUser() // of one that could not be started
	if l.Disk > 0 && spec.Dir == "" {
		s.project = s.x.uids.next()
		if err := s.x.bound(s.space.path, s.project, l.Disk); err != nil {
			return err
		}
	}
	return s.group.Limit(l) // also without any: what the last one had may be in force
}

// exec starts a program in the slot's group, and returns also which one it was
// to be.
func (s *slot) exec(argv []string, openFiles int64) (program string, err error) {
	marks := s.env[len(s.env)-markCount:]
	for {
		var known bool
		program, known, err = s.found.program(s.x.account, argv[0], s.path, s.attr.Dir)
		if err == nil {
			s.alarm.start()
			err = s.startLimited(program, argv, marks, openFiles)
			s.alarm.stop()
		}
		if err == nil || !known {
			return program, err
		}
		s.found = finding{} // it may be elsewhere by now
	}
}

// openStdin lets a command also open its input again, as /dev/stdin does, but not
// write it: commands of other levels read it, too, at the same time. Nobody finds it
// by its path.
func (s *slot) openStdin(e *entry) (fd int, err error) {
	fd = s.x.null
	if e.StdinPath != "" {
		fd, err = unix.Open(e.StdinPath, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return s.x.null, err
		}
		if err = unix.Fchmod(fd, 0o444); err != nil {
			unix.Close(fd)
			return s.x.null, err
		}
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
		s.env, s.path = appendSpecEnviron(s.env[:0], s.x.base, e.environ())
		s.spec, s.shared = e.Spec, len(s.env)
	}
	s.env = appendOwnEnviron(s.env[:s.shared], e.Attempt, s.worker)
	s.attr.Env = s.env
}
