package executor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// startPatience is how long a start may take before somebody looks after it.
const startPatience = time.Second

// alarm goes off every startPatience for as long as a start takes.
//
// Between vfork and exec a child belongs to the account already, while all starts
// wait for it. Another command of the account may send it STOP then, and so hold
// up the executor for good.
type alarm struct {
	timer *time.Timer
	set   atomic.Bool
}

func newAlarm(ring func()) *alarm {
	a := &alarm{}
	a.timer = time.AfterFunc(startPatience, func() {
		if a.set.Load() {
			ring()
			a.timer.Reset(startPatience)
		}
	})
	return a
}

// start sets the alarm; it does nothing if a is nil, like stop.
func (a *alarm) start() {
	if a != nil {
		a.set.Store(true)
		a.timer.Reset(startPatience)
	}
}

func (a *alarm) stop() {
	if a != nil {
		a.set.Store(false)
		a.timer.Stop()
	}
}

// wakeChildren sends CONT to all children of this process but for commands that
// have started: whoever stops those may have a reason.
func (x *Executor) wakeChildren() {
	started := x.commands()
	for _, pid := range children() {
		if !started[pid] {
			_ = unix.Kill(pid, unix.SIGCONT) // it may be gone
		}
	}
}

// commands returns the ids of the processes that can be signalled.
func (x *Executor) commands() map[int]bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	pids := map[int]bool{}
	for _, e := range x.entries {
		if e.signals {
			pids[e.slot.group.PID()] = true
		}
	}
	return pids
}

// children returns the children of all of our threads, see
// proc_tid_children(5).
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may be gone
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
