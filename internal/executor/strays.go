package executor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// A command at level none can make siblings, children of ours that are no
// commands (CLONE_PARENT, clone(2)). They die with its group, and nobody else
// waits for them.

// strayPause is how often it is looked for the dead among them.
const strayPause = 3 * time.Second

// buryStrays reaps children that nobody waits for, until the executor stops.
func (x *Executor) buryStrays() {
	ticker := time.NewTicker(strayPause)
	defer ticker.Stop()
	var before map[int]bool
	for {
		select {
		case <-x.closing:
			return
		case <-ticker.C:
		}
		before = x.buryTwiceSeen(before)
	}
}

// buryTwiceSeen reaps those that were dead at the look before as well: so long no
// start that fails leaves its child. It returns the others that are dead.
func (x *Executor) buryTwiceSeen(before map[int]bool) (dead map[int]bool) {
	dead = map[int]bool{}
	known := x.known()
	for _, pid := range children() {
		switch {
		case known[pid] || !isDead(pid):
		case before[pid]:
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		default:
			dead[pid] = true
		}
	}
	return dead
}

// known are the children that somebody waits for.
func (x *Executor) known() map[int]bool {
	pids := map[int]bool{}
	x.mu.Lock()
	for _, s := range x.slots {
		pids[s.pid] = true
	}
	x.mu.Unlock()
	x.guard.process.addPID(pids)
	if x.boxes != nil {
		x.boxes.addPIDs(pids)
	}
	return pids
}

func isDead(pid int) bool {
	p, err := procfs.Read(pid)
	return err == nil && p.Dead
}
