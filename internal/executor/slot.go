package executor

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/resources"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// slot runs one attempt after the other, in one goroutine that owns all of it.
type slot struct {
	x     *Executor
	name  string
	own   resources.Group // for level none
	group resources.Group // of the attempt
	space *workspace      // for level none
	wake  int             // eventfd: somebody has a wish
	pid   int             // of its child while it has one; the executor's mutex guards it
	alarm *alarm          // nil unless there is an account

	// Of the attempt, if it is in a box.
	box     *sandbox.Box
	boxName string
	room    *room
	project uint32 // whose quota it has; 0: none

	// What follows is used again and again.
	files  [3]uintptr
	attr   syscall.ProcAttr
	sys    syscall.SysProcAttr
	pidfd  int
	pipes  []pipe // of the running command
	buf    []byte // for what a pipe holds
	poll   [4]unix.PollFd
	wait   unix.Timespec
	usage  syscall.Rusage
	worker string         // how the fleet calls us
	spec   *octaskly.Spec // whose environment env begins with
	env    []string
	shared int    // how many entries that are
	path   string // of env
	found  finding

	watching  *watcher // what it is watching
	inherited *watcher // what it begins with
	last      bool     // and ends with
}

func newSlot(x *Executor, name string) (*slot, error) {
	s, err := bareSlot(x, name)
	if err == nil {
		err = s.openGroup()
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *slot) openGroup() (err error) {
	s.own, err = s.x.kept.Group(s.name)
	s.group = s.own
	return err
}

// bareSlot is a slot without a group.
func bareSlot(x *Executor, name string) (_ *slot, err error) {
	s := &slot{x: x, name: name, wake: -1, pidfd: -1, buf: make([]byte, pipeBuffer)}
	s.sys.PidFD, s.sys.Credential = &s.pidfd, x.account.credential()
	s.attr.Sys, s.attr.Files = &s.sys, s.files[:]
	if x.account != nil {
		s.alarm = newAlarm(x.wakeChildren)
	}
	s.space = &workspace{name: name, path: x.path("work/" + name), account: x.account, log: x.log, fd: -1}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return s, fmt.Errorf("cannot make an eventfd: %w", err)
	}
	return s, nil
}

func (s *slot) close() error {
	unix.Close(s.wake)
	s.space.close()
	err := removeTree(s.space.path)
	if s.own != nil {
		err = errors.Join(err, s.own.Close())
	}
	return err
}

// signal reaches the command's process group.
func (s *slot) signal(sig syscall.Signal) error {
	if s.box != nil {
		return s.box.Signal(sig)
	}
	return s.group.Signal(sig)
}

// interrupt makes the slot look at the wish of its entry. A slot that waits for
// nothing finds out at its next wait, and minds nothing.
func (s *slot) interrupt() {
	_, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // a full counter wakes as well
}

func (s *slot) run() {
	if w := s.inherited; w != nil {
		end, lost := s.see(w)
		s.x.finish(w.e, end, lost)
	}
	for e := s.x.next(s); e != nil; e = s.x.next(s) {
		end, lost := s.execute(e)
		s.x.finish(e, end, lost)
	}
}

// execute runs an attempt from start to end. It is lost when the executor stops
// before the command has ended by itself.
func (s *slot) execute(e *entry) (end octaskly.End, lost bool) {
	if f := s.start(e); f != nil {
		s.closePipes()
		s.dismiss(e)
		return f.end(), false
	}
	began := time.Now()
	if !e.trial {
		s.x.started(e, began)
		s.x.guard.process.lead(e.serial, s.group.PID())
		s.x.tellStart(e, s.group.PID())
	}
	return s.see(newWatcher(s, e, began))
}

// see accompanies a running command to its end.
func (s *slot) see(w *watcher) (end octaskly.End, lost bool) {
	e, began := w.e, w.began
	defer s.closePipes()
	defer func() { unix.Close(s.pidfd) }()
	cause := w.watch()
	usage, _ := s.measure(e) // if it is not known, so be it
	struck := s.struck(e)
	leftover, gone := s.clear(e)
	s.drain(e)
	s.x.exited(e)
	if !gone {
		return end, true
	}
	s.dismiss(e)
	lapsed := e.Spec.AtMostOne && s.x.lapsed(e)
	if wish, _ := s.x.wishOf(e); lapsed && cause == byItself && wish == wishStop {
		cause = cancelled // the guard was faster than this slot
	}
	end = s.reap(cause, lapsed)
	end.Usage, end.CPUTime = usage, max(end.CPUTime, usage.CPUTime)
	end.StartedAt, end.EndedAt, end.Leftover = began, began.Add(time.Since(began)), end.Leftover || leftover
	judge(&end, e.Spec, struck)
	end.Workspace = s.leave(e, began)
	return end, cause == left
}

// clear waits until nothing of e is left. It gives up only when the executor
// stops and something hangs in the kernel; the next one will find it.
func (s *slot) clear(e *entry) (leftover, gone bool) {
	for {
		found, err := s.group.Clear(killPatience)
		leftover = leftover || found
		if err == nil {
			return leftover, true
		}
		s.x.log.Error("cannot end an attempt", "attempt", e.ID.String(), "error", err)
		select {
		case <-s.x.closing:
			return leftover, false
		case <-time.After(time.Second):
		}
	}
}

// reap waits for the command, which has exited, and says how it ended.
func (s *slot) reap(cause ending, lapsed bool) octaskly.End {
	status, err := s.group.Reap(&s.usage)
	if err != nil {
		return failuref(octaskly.ReasonExecutor, "%v", err).end()
	}
	end := octaskly.End{
		CPUTime: time.Duration(s.usage.Utime.Nano() + s.usage.Stime.Nano()),
		MaxRSS:  s.x.maxRSS(s.usage.Maxrss << 10),
	}
	if s.box != nil {
		// The status above is octaskly-init's, and the command's only if that was killed.
		inside, err := s.box.End()
		switch {
		case err == nil:
			status = inside.Status
			end.Leftover, end.CPUTime, end.MaxRSS = inside.Leftover, time.Duration(inside.CPU)*time.Microsecond, int64(inside.MaxRSS)
		case !status.Signaled():
			return failuref(octaskly.ReasonExecutor, "its box broke: octaskly-init exited with code %d", status.ExitStatus()).end()
		}
	}
	end.State, end.Reason = outcome(cause, status)
	// The guard's KILL may come before the slot has heard of anything.
	if cause == outOfTouch || cause == byItself && lapsed && status.Signaled() && status.Signal() == unix.SIGKILL {
		end.State, end.Reason, end.Detail = octaskly.Cancelled, octaskly.ReasonLease, errLapsed.detail
	}
	return end
}

func outcome(cause ending, status syscall.WaitStatus) (octaskly.State, octaskly.Reason) {
	switch {
	case cause == timedOut:
		return octaskly.TimedOut, octaskly.ReasonTimeout
	case cause == cancelled:
		return octaskly.Cancelled, octaskly.ReasonCancelled
	case cause == outOfTime:
		return octaskly.Failed, octaskly.ReasonCPUTime
	case status.Signaled():
		return octaskly.Failed, octaskly.ReasonSignal(int(status.Signal()))
	case status.ExitStatus() != 0:
		return octaskly.Failed, octaskly.ReasonExit(status.ExitStatus())
	}
	return octaskly.Completed, ""
}

// maxRSS corrects what wait4(2) says. A command begins as our child in our own
// memory, and Linux never forgets that peak (exec_mmap). Nothing is known of a
// command that has not exceeded it.
func (x *Executor) maxRSS(bytes int64) int64 {
	if bytes > x.ownRSS.Load() {
		var own unix.Rusage
		if unix.Getrusage(unix.RUSAGE_SELF, &own) == nil {
			x.ownRSS.Store(own.Maxrss << 10)
		}
	}
	if bytes <= x.ownRSS.Load() {
		return 0
	}
	return bytes
}
