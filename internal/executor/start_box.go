package executor

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// startBox executes e's command in a box.
func (s *slot) startBox(e *entry) *failure {
	f := s.launch(e)
	if f != nil {
		s.abandon()
	}
	return f
}

// launch furnishes a box with what e asks for, and starts its command there.
func (s *slot) launch(e *entry) *failure {
	waited, err := s.enterBox(kindOf(e.Spec))
	if err != nil {
		return s.noBox(e.Spec, err)
	}
	uid := s.x.uids.next()
	s.project = uid
	if s.room, err = s.x.makeRoom(s.boxName, uid, e.Spec.Limits.Disk); err != nil {
		return failuref(octaskly.ReasonExecutor, "%v", err)
	}
	task := s.task(e, uid)
	var f *failure
	if task.Dir, task.Show, f = s.boxDirectory(e); f != nil {
		return f
	}
	stdin, err := s.openStdin(e, s.showStdin)
	if err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot open the input: %v", err)
	}
	defer s.closeStdin(stdin)
	if err := s.openPipes(e.Spec.Merge, func(fd int) error { return unix.Fchown(fd, int(uid), int(uid)) }); err != nil {
		return failuref(octaskly.ReasonExecutor, "cannot make a pipe: %v", err)
	}
	return s.enact(e, task, waited)
}

// enact gives the box its task. One that has waited may have died meanwhile; then
// there is another try with a new one.
func (s *slot) enact(e *entry, task *sandbox.Task, waited bool) *failure {
	starter := s.x.boxes.starters[kindOf(e.Spec)]
	stdio := [3]int{int(s.files[0]), int(s.files[1]), int(s.files[2])}
	err := s.box.Ready() // before, octaskly-init has not all it needs
	if err == nil {
		err = s.group.Limit(e.Spec.Limits)
	}
	if err == nil {
		err = starter.Launch(s.box, task, stdio)
	}
	if waited && errors.Is(err, io.EOF) {
		s.leaveBox()
		if waited, err = s.enterBox(kindOf(e.Spec)); err != nil {
			return s.noBox(e.Spec, err)
		}
		return s.enact(e, task, waited)
	}
	if err != nil {
		return s.explainBox(err, e.Spec, task)
	}
	return nil
}

// enterBox makes a new box the slot's.
func (s *slot) enterBox(k kind) (waited bool, err error) {
	p, waited, err := s.x.boxes.take(k)
	if err != nil {
		return false, err
	}
	s.box, s.group, s.pidfd, s.boxName = p.box, p.group, p.pidfd, p.name
	return waited, nil
}

// leaveBox ends the slot's box, whatever is in it.
func (s *slot) leaveBox() {
	if s.box == nil {
		return
	}
	p := prepared{s.box, s.group, s.boxName, s.pidfd}
	if err := p.discard(); err != nil {
		s.x.log.Error("A box stays", "box", s.boxName, "error", err)
	}
	s.box, s.group, s.pidfd = nil, s.own, -1
}

// abandon gives up what a box has been given whose command does not execute.
func (s *slot) abandon() {
	s.leaveBox()
	s.leaveRoom()
}

func (s *slot) leaveRoom() {
	if s.room == nil {
		return
	}
	if err := s.room.remove(); err != nil {
		s.x.log.Warn("A workspace stays", "path", s.room.path, "error", err)
	}
	s.room = nil
}

func (s *slot) task(e *entry, uid uint32) *sandbox.Task {
	spec := e.Spec
	env, _ := appendSpecEnviron(nil, sandbox.Environ(spec.Level, s.room.work()), spec.Env)
	return &sandbox.Task{
		Argv: spec.Argv, Env: appendOwnEnviron(env, e.Attempt, s.worker),
		Workspace: s.room.work(), Tmp: s.room.tmp(), TmpSize: tmpSize(spec.Limits.Memory), Show: e.show,
		UID: uid, GID: uid, Umask: 0o022, HostNetwork: spec.HostNetwork,
		Limits: sandbox.Limits{OpenFiles: uint64(spec.Limits.OpenFiles)},
	}
}

// tmpSize is that of a /tmp in memory, which counts as the task's: a quarter of
// what it may have, where that is not much.
func tmpSize(memory int64) int64 {
	const most = 64 << 20
	if memory == 0 {
		return most
	}
	return min(memory/4, most)
}

// boxDirectory is where the command starts, and what the box shows besides. Of
// directories of this machine a box with a root of its own shows those that the
// operator has listed.
func (s *slot) boxDirectory(e *entry) (dir string, show []string, f *failure) {
	dir, show = e.Spec.Dir, e.show
	switch {
	case dir == "":
		return "", show, nil
	case len(s.x.allowed) == 0:
		return path.Clean(dir), show, nil
	}
	fd, f := s.openDirectory(dir)
	if f != nil {
		return "", nil, f
	}
	defer unix.Close(fd)
	var buf [unix.PathMax]byte
	n, err := unix.Readlink(descriptorPath(fd), buf[:])
	if err != nil {
		return "", nil, s.explainDirError(dir, err)
	}
	dir = string(buf[:n])
	if e.Spec.Level > octaskly.LevelBasic {
		show = append(show, dir)
	}
	return dir, show, nil
}

// showStdin lets the task open its input again, as /dev/stdin does. Nobody finds
// it by its path, and it cannot be written.
func (s *slot) showStdin(fd int) error { return unix.Fchmod(fd, 0o444) }

func (s *slot) noBox(spec *octaskly.Spec, err error) *failure {
	return failuref(octaskly.ReasonLacks(spec.Level.Feature()), "worker %q cannot make a box of level %v: %v", s.worker, spec.Level, err)
}

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
