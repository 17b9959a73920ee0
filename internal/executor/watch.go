package executor

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ending is why a command comes to its end.
type ending uint8

const (
	byItself ending = iota
	timedOut
	cancelled
	outOfTime  // of the processor
	left       // the executor stops, or the attempt was dropped
	outOfTouch // with the dispatcher, see lease
)

// killPatience is how long after KILL a process may live before it is worth a
// complaint.
const killPatience = 10 * time.Second

// watcher is how far a command's end is.
type watcher struct {
	s        *slot
	e        *entry
	began    time.Time
	cause    ending
	step     step
	deadline time.Time // of step; zero: none
	next     time.Time // look; see gauge.go
}

type step uint8

const (
	runs step = iota
	termed
	killed
)

// Where a slot's poll list has what.
const (
	pollExit = iota
	pollWake
	pollPipes
)

func newWatcher(s *slot, e *entry, began time.Time) *watcher {
	w := &watcher{s: s, e: e, began: began, next: began.Add(untilNextLook(e.Spec.Limits.CPUTime, 0, firstLook))}
	if e.Spec.Timeout > 0 {
		w.deadline = began.Add(e.Spec.Timeout)
	}
	return w
}

// watch reads output until the command has exited. When its time is up, or
// somebody wishes so, it ends it.
func (w *watcher) watch() ending {
	s, e := w.s, w.e
	s.poll[pollExit] = unix.PollFd{Fd: int32(s.pidfd), Events: unix.POLLIN}
	s.poll[pollWake] = unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN}
	for i, p := range s.pipes {
		s.poll[pollPipes+i] = unix.PollFd{Fd: int32(p.read), Events: unix.POLLIN}
	}
	for {
		s.await(s.poll[:pollPipes+len(s.pipes)], w.due())
		s.read(e)
		switch {
		case s.poll[pollExit].Revents != 0:
			return w.cause
		case s.poll[pollWake].Revents != 0:
			_, _ = unix.Read(s.wake, s.buf) // reset it
			s.x.rest(w)
			w.obey(s.x.wishOf(e))
		case w.over():
			if !w.expire() {
				return w.cause
			}
		case !time.Now().Before(w.next):
			w.look()
		}
	}
}

// due is when there is something to do, whatever happens.
func (w *watcher) due() time.Time {
	if w.deadline.IsZero() || w.next.Before(w.deadline) {
		return w.next
	}
	return w.deadline
}

func (w *watcher) over() bool { return !w.deadline.IsZero() && !time.Now().Before(w.deadline) }

// await waits until something of fds is ready or until the deadline, if there is
// one.
func (s *slot) await(fds []unix.PollFd, deadline time.Time) {
	for {
		var timeout *unix.Timespec
		if !deadline.IsZero() {
			s.wait = unix.NsecToTimespec(max(0, time.Until(deadline).Nanoseconds()))
			timeout = &s.wait
		}
		if _, err := unix.Ppoll(fds, timeout, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// obey does what somebody wishes, or the lease wants, unless more than that has
// been done.
func (w *watcher) obey(wish wish, lapsed bool) {
	switch {
	case wish == wishDrop && w.step < killed:
		w.cause = left
		w.kill()
	case wish == wishLeave && w.step == runs:
		w.cause = left
		w.term()
	case wish == wishStop && w.step == runs:
		w.cause = cancelled
		w.term()
	case lapsed && w.step == runs:
		w.cause = outOfTouch
		w.term()
	}
}

// expire does what comes at the deadline. It reports false when nothing helps and
// the executor stops.
func (w *watcher) expire() bool {
	switch w.step {
	case runs:
		w.cause = timedOut
		w.term()
	case termed:
		w.kill()
	case killed:
		w.s.x.log.Error("a command does not die", "attempt", w.e.ID.String())
		w.deadline = time.Now().Add(killPatience)
		return !w.s.x.stopping()
	}
	return true
}

// term asks the command to end. A stopped process hears of it when it goes on.
func (w *watcher) term() {
	w.step, w.deadline = termed, time.Now().Add(w.s.x.grace)
	w.signal(unix.SIGTERM)
	w.signal(unix.SIGCONT)
}

func (w *watcher) kill() {
	w.step, w.deadline = killed, time.Now().Add(killPatience)
	if err := w.s.group.Kill(); err != nil {
		w.s.x.log.Error("cannot kill a command", "attempt", w.e.ID.String(), "error", err)
	}
}

// signal needs no lock: the command cannot be reaped meanwhile.
func (w *watcher) signal(sig unix.Signal) {
	if err := w.s.signal(sig); err != nil {
		w.s.x.log.Warn("cannot stop a command", "attempt", w.e.ID.String(), "error", err)
	}
}
