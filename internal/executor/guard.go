package executor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// guard wakes the executor when its lease has come to the next step. It lives
// from New to the end, needs no slot and counts the time that the machine is
// suspended. Beside it is a process that does the last step alone, where this one
// cannot.
type guard struct {
	timer   *os.File      // timerfd_create(2); nil: never opened
	over    chan struct{} // closed when its goroutine has ended
	process *guardProcess
	why     error // there is no process
}

func (x *Executor) openGuard(h *Handover) error {
	x.guard.process.renew(x.lease.guarded())
	x.guard.why = x.guard.process.open(x.kept.Feature(), h.guard())
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("cannot make a timer: %w", err)
	}
	x.guard.timer, x.guard.over = os.NewFile(uintptr(fd), "timerfd"), make(chan struct{})
	x.enforce()
	go x.keepGuard()
	return nil
}

func (x *Executor) keepGuard() {
	defer close(x.guard.over)
	var times [8]byte // that it has gone off
	for {
		switch _, err := x.guard.timer.Read(times[:]); {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			panic("cannot wait for a timer: " + err.Error())
		}
		x.enforce()
	}
}

// setLocked sets the timer to the next step of l, or to none, and tells the process
// of the last one.
func (g *guard) setLocked(l lease) {
	g.process.renew(l.guarded())
	_, next := l.at(Now())
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(next))}
	raw, err := g.timer.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err := unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
				panic("cannot set a timer: " + err.Error()) // by its arguments only, which are ours
			}
		})
	}
	_ = err // it is closed: the executor has ended
}

func (g *guard) close() error {
	err := g.process.close()
	if g.timer == nil {
		return err
	}
	err = errors.Join(err, g.timer.Close())
	<-g.over
	return err
}
