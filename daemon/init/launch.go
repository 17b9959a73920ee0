package main

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// launch makes the room the task's and starts its command, and returns the
// child's process id. given are the command's standard files and the mounts.
func launch(r *plan.Room, t *plan.Task, given []int) (pid int, err error) {
	if len(given) < 3 {
		return 0, fail(plan.StepPlan, "a standard file is missing", unix.EBADF)
	}
	stdio, mounts := given[:3], given[3:]
	if err := finish(r, t.Mounts, mounts); err != nil {
		return 0, err
	}
	program, err := find(t)
	if err != nil {
		return 0, err
	}
	if err := allowInput(t, stdio[0]); err != nil {
		return 0, err
	}
	if err := restrict(t); err != nil {
		return 0, err
	}
	unix.Umask(int(t.Umask))
	pid, err = syscall.ForkExec(program, t.Argv, &syscall.ProcAttr{
		Env:   t.Env,
		Files: []uintptr{uintptr(stdio[0]), uintptr(stdio[1]), uintptr(stdio[2])},
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: t.UID, Gid: t.GID}},
	})
	if err != nil {
		return 0, fail(plan.StepCommand, program, err)
	}
	for _, fd := range stdio {
		unix.Close(fd)
	}
	return pid, nil
}

// find enters the task's directory and looks for its program, as the task.
func find(t *plan.Task) (program string, err error) {
	if err := assume(t.UID, t.GID); err != nil {
		return "", fail(plan.StepDirectory, t.Dir, err)
	}
	if err := unix.Chdir(t.Dir); err != nil {
		return "", fail(plan.StepDirectory, t.Dir, err)
	}
	program, err = search(t.Argv[0], t.Path)
	if err != nil {
		return "", fail(plan.StepCommand, t.Argv[0], err)
	}
	if err := assume(0, 0); err != nil {
		return "", fail(plan.StepDirectory, t.Dir, err)
	}
	return program, nil
}

// assume makes this thread another user as far as files are concerned; the
// kernel takes and gives root's rights to files along with it, see
// capabilities(7).
func assume(uid, gid uint32) error {
	for _, id := range []struct {
		set  func(int) (int, error)
		want uint32
	}{{unix.SetfsgidRetGid, gid}, {unix.SetfsuidRetUid, uid}} {
		_, _ = id.set(int(id.want)) // which gives no error, ever
		if now, _ := id.set(-1); uint32(now) != id.want {
			return unix.EPERM
		}
	}
	return nil
}

// search looks for a program as execvp(3) does.
func search(name, path string) (program string, err error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	err = unix.ENOENT
	for dir := range strings.SplitSeq(path, ":") {
		candidate := cmp.Or(dir, ".") + "/" + name
		switch e := executable(candidate); {
		case e == nil:
			return candidate, nil
		case errors.Is(e, unix.EACCES):
			err = e
		}
	}
	return "", err
}

func executable(path string) error {
	var info unix.Stat_t
	if err := unix.Stat(path, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
}

// allowInput lets the task open its input again, as /dev/stdin does, where that is
// a file: it lies below no path that Landlock knows.
func allowInput(t *plan.Task, fd int) error {
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return fail(plan.StepLandlock, "standard input", err)
	}
	if t.Landlock.FS != 0 && info.Mode&unix.S_IFMT == unix.S_IFREG {
		rule := plan.Rule{Path: "/proc/self/fd/" + strconv.Itoa(fd), Access: unix.LANDLOCK_ACCESS_FS_READ_FILE}
		t.Landlock.Rules = append(t.Landlock.Rules, rule)
	}
	return nil
}
