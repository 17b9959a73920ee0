package resources

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// leader is the command that a group was made for.
type leader struct {
	pid int // 0: none
}

func (l *leader) fork(path string, argv []string, attr *syscall.ProcAttr) error {
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return err // an errno that callers look at
	}
	l.pid = pid
	return nil
}

func (l *leader) PID() int { return l.pid }

func (l *leader) Signal(sig syscall.Signal) error {
	if l.pid == 0 {
		return os.ErrProcessDone
	}
	err := unix.Kill(-l.pid, sig)
	if errors.Is(err, unix.ESRCH) { // it has joined another process group
		err = unix.Kill(l.pid, sig)
	}
	if err != nil {
		return fmt.Errorf("cannot send signal %d to process group %d: %w", sig, l.pid, err)
	}
	return nil
}

func (l *leader) Reap(usage *syscall.Rusage) (status syscall.WaitStatus, err error) {
	for {
		_, err = syscall.Wait4(l.pid, &status, 0, usage)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	l.pid = 0
	if err != nil {
		return status, fmt.Errorf("cannot wait for a command: %w", err)
	}
	return status, nil
}
