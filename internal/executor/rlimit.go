package executor

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// startLimited starts a program at level none. Where its open files are limited,
// it is stopped before its first instruction (ptrace(2)), has its limit set and is
// let go: ForkExec knows no limits, and after a start it would be too late.
func (s *slot) startLimited(program string, argv, marks []string, openFiles int64) error {
	if openFiles == 0 {
		return s.group.Start(program, argv, &s.attr, marks)
	}
	runtime.LockOSThread() // the one that may trace
	defer runtime.UnlockOSThread()
	s.sys.Ptrace = true
	err := s.group.Start(program, argv, &s.attr, marks)
	s.sys.Ptrace = false
	if err != nil {
		return err
	}
	pid := s.group.PID()
	if err := limitStopped(pid, uint64(openFiles)); err != nil {
		s.abort()
		return fmt.Errorf("cannot limit open files: %w", err)
	}
	return nil
}

// abort ends a command that has not begun.
func (s *slot) abort() {
	err := s.group.Kill()
	if err == nil {
		_, err = s.group.Clear(killPatience)
	}
	if err == nil {
		_, err = s.group.Reap(nil)
	}
	if err != nil {
		s.x.log.Error("cannot end a command", "error", err)
	}
	unix.Close(s.pidfd)
}

// limitStopped limits a process that has stopped at its exec.
func limitStopped(pid int, openFiles uint64) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return err
		}
	}
	if !status.Stopped() {
		return unix.ESRCH
	}
	limit := unix.Rlimit{Cur: openFiles, Max: openFiles}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		return err
	}
	return unix.PtraceDetach(pid)
}
