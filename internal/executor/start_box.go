package executor

import (
	"errors"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// startBox executes e's command in a box.
func (s *slot) startBox(e *entry) *failure {
	f := s.launch(e)
	if f != nil {
		s.abandon()
		s.x.refill()
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
	stdin, err := s.openStdin(e)
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
		if f := s.cleared(e); f != nil {
			return f
		}
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
	s.tell("A box stays", p.discard())
	s.box, s.group, s.pidfd = nil, s.own, -1
}

// abandon gives up what a box has been given whose command does not execute.
func (s *slot) abandon() {
	s.leaveBox()
	s.leaveRoom()
	s.leaveUser()
}

func (s *slot) task(e *entry, uid uint32) *sandbox.Task {
	spec := e.Spec
	env, _ := appendSpecEnviron(nil, sandbox.Environ(spec.Level, s.room.work()), e.environ())
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

func (s *slot) noBox(spec *octaskly.Spec, err error) *failure {
	return failuref(octaskly.ReasonLacks(spec.Level.Feature()), "worker %q cannot make a box of level %v: %v", s.worker, spec.Level, err)
}
