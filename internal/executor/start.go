package executor

import (
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// start executes e's command.
func (s *slot) start(e *entry) *failure {
	spec := e.Spec
	if len(spec.Argv) == 0 {
		return failuref(octaskly.ReasonSpawn("EINVAL"), "there is no command")
	}
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
	stdin, err := s.openStdin(e)
	if err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot open the input: %v", err)
	}
	defer s.closeStdin(stdin)
	if err := s.openPipes(spec.Merge); err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot make a pipe: %v", err)
	}
	s.setEnviron(e)
	if program, err := s.exec(spec.Argv); err != nil {
		return s.explain(err, spec, program)
	}
	return nil
}

// exec starts a program in the slot's group, and returns also which one it was
// to be.
func (s *slot) exec(argv []string) (program string, err error) {
	marks := s.env[len(s.env)-markCount:]
	for {
		var known bool
		program, known, err = s.found.program(s.x.account, argv[0], s.path, s.attr.Dir)
		if err == nil {
			s.alarm.start()
			err = s.group.Start(program, argv, &s.attr, marks)
			s.alarm.stop()
		}
		if err == nil || !known {
			return program, err
		}
		s.found = finding{} // it may be elsewhere by now
	}
}

func (s *slot) openStdin(e *entry) (fd int, err error) {
	fd = s.x.null
	if e.StdinPath != "" {
		fd, err = unix.Open(e.StdinPath, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if account := s.x.account; err == nil && account != nil {
			err = account.mayRead(fd)
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
		s.env, s.path = appendSpecEnviron(s.env[:0], s.x.base, e.Spec.Env)
		s.spec, s.shared = e.Spec, len(s.env)
	}
	s.env = appendOwnEnviron(s.env[:s.shared], e.Attempt, s.worker)
	s.attr.Env = s.env
}
