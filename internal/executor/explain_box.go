package executor

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// explainBox says why a command could not be executed in a box.
func (s *slot) explainBox(err error, spec *octaskly.Spec, task *sandbox.Task) *failure {
	var failed *sandbox.Failure
	if !errors.As(err, &failed) || failed.Errno == 0 {
		return s.noBox(spec, err)
	}
	errno := unix.ErrnoName(failed.Errno)
	switch failed.Step {
	case sandbox.StepDirectory:
		return failuref(octaskly.Reason("cwd:"+errno), "%s", s.explainBoxDirectory(failed, spec))
	case sandbox.StepCommand:
		return failuref(octaskly.ReasonSpawn(errno), "%s", s.explainBoxCommand(failed, spec, task))
	}
	return s.noBox(spec, err)
}

func (s *slot) explainBoxDirectory(failed *sandbox.Failure, spec *octaskly.Spec) string {
	text := fmt.Sprintf("directory %q cannot be entered on worker %q at level %v: %v", failed.Object, s.worker, spec.Level, failed.Errno)
	if spec.Level > octaskly.LevelBasic && failed.Errno == unix.ENOENT {
		text += "; of the machine's own directories a box has /usr, and those that its operator lists under directories in executor.toml"
	}
	return text
}

func (s *slot) explainBoxCommand(failed *sandbox.Failure, spec *octaskly.Spec, task *sandbox.Task) string {
	name, program := spec.Argv[0], failed.Object
	where := fmt.Sprintf("at level %v on worker %q", spec.Level, s.worker)
	switch errno := failed.Errno; {
	case errno == unix.ENOENT && program != name:
		return fmt.Sprintf("%q cannot be executed %s: what its first line asks for, or its dynamic loader, is not there", program, where)
	case errno == unix.ENOENT && strings.Contains(name, "/"):
		return fmt.Sprintf("file %q does not exist %s; files do not travel by themselves, and a box shows little of the machine's", name, where)
	case errno == unix.ENOENT && strings.ContainsAny(name, " \t\n"):
		return fmt.Sprintf("command %q was not found; give the command and its arguments as words of their own, or use --shell", name)
	case errno == unix.ENOENT:
		return fmt.Sprintf("command %q was not found %s, which looked in %s", name, where, sandbox.SearchPath(task.Env))
	case errno == unix.EACCES:
		return fmt.Sprintf("%q cannot be executed %s: it is not executable, or nothing may be executed where it is", program, where)
	case errno == unix.ENOEXEC:
		return fmt.Sprintf("%q is not executable: give it a first line such as #!/bin/sh, or build it for this kind of machine", program)
	case errno == unix.E2BIG:
		return fmt.Sprintf("arguments and environment are too long for worker %q; give long input by --stdin", s.worker)
	default:
		return fmt.Sprintf("cannot execute %q %s: %v", program, where, errno)
	}
}
