package executor

import (
	"errors"
	"time"
)

// errBusy says that an attempt does not come to rest.
var errBusy = errors.New("a process that is being ended hangs in the kernel")

// pause waits until every slot either has nothing to do or merely watches its
// command, and holds them there: commands run on. If that takes longer than
// patience, all go on.
func (x *Executor) pause(patience time.Duration) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.paused = true
	for _, s := range x.slots {
		s.interrupt()
	}
	late := false
	timer := time.AfterFunc(patience, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		late = true
		x.calm.Broadcast()
	})
	defer timer.Stop()
	for x.busy > 0 && !late {
		x.calm.Wait()
	}
	if x.busy > 0 {
		x.proceedLocked()
		return errBusy
	}
	return nil
}

// proceed ends a pause.
func (x *Executor) proceed() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.proceedLocked()
}

func (x *Executor) proceedLocked() {
	x.paused = false
	x.calm.Broadcast()
	x.more.Broadcast()
}

// rest holds a slot that watches its command for as long as there is a pause.
func (x *Executor) rest(w *watcher) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.paused {
		return
	}
	w.s.watching = w
	x.busy--
	x.calm.Broadcast()
	for x.paused {
		x.calm.Wait()
	}
	x.busy++
	w.s.watching = nil
}
