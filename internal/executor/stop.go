package executor

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// wish is what somebody wants of a running command, the stronger the higher.
type wish uint8

const (
	noWish    wish = iota
	wishStop       // TERM, grace, KILL, and report it as cancelled
	wishLeave      // TERM, grace, KILL, and forget it: the executor stops
	wishDrop       // KILL, and forget it
)

// Stop ends an attempt: TERM to its process group, then the grace, then KILL to
// everything. One that has not started ends at once; of one that has ended, or is
// unknown, nothing changes. With drop it is killed at once, nothing is reported
// and the attempt, even an ended one, is forgotten.
func (x *Executor) Stop(id octaskly.AttemptID, drop bool) {
	x.mu.Lock()
	e := x.entries[id]
	if e == nil {
		x.mu.Unlock()
		return
	}
	if drop {
		old := x.dropLocked(e)
		x.sift()
		x.mu.Unlock()
		x.discard(old)
		return
	}
	waiting := e.phase == queued
	switch e.phase {
	case queued:
		e.phase = leaving
		x.sift()
	case running:
		x.wantLocked(e, wishStop)
	}
	x.mu.Unlock()
	if waiting {
		x.finish(e, octaskly.End{State: octaskly.Cancelled, Reason: octaskly.ReasonCancelled, EndedAt: time.Now()}, false)
	}
}

// wantLocked tells the slot that runs e.
func (x *Executor) wantLocked(e *entry, w wish) {
	if w > e.wish {
		e.wish = w
		e.slot.interrupt()
	}
}

// dropLocked forgets e. What it returns is to be discarded without the lock; of
// one on its way to its end, finish does that.
func (x *Executor) dropLocked(e *entry) []*entry {
	e.forgotten = true
	delete(x.entries, e.ID)
	switch e.phase {
	case running:
		x.wantLocked(e, wishDrop)
		return nil
	case leaving:
		return nil
	}
	return []*entry{e}
}

// discard removes what forgotten entries have on disk.
func (x *Executor) discard(old []*entry) {
	if len(old) == 0 {
		return
	}
	serials := make([]uint64, len(old))
	for i, e := range old {
		serials[i] = e.serial
		if err := e.output.Remove(); err != nil {
			x.log.Warn("an output stays", "attempt", e.ID.String(), "error", err)
		}
	}
	x.journal.release(serials)
}

// leave makes the executor start nothing any more and stop what runs.
func (x *Executor) leave() {
	close(x.closing)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	x.more.Broadcast()
	for _, e := range x.entries {
		switch {
		case e.phase == queued:
			e.forgotten = true
			delete(x.entries, e.ID)
		case e.phase == running && e.wish == noWish:
			x.wantLocked(e, wishLeave)
		}
	}
	x.fifo = nil
}

func (x *Executor) stopping() bool {
	select {
	case <-x.closing:
		return true
	default:
		return false
	}
}

// wishOf asks what a slot is to do with its entry, and whether the lease has it
// end.
func (x *Executor) wishOf(e *entry) (w wish, lapsed bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return e.wish, e.lapsed
}

// Signal sends signal n to an attempt's process group. The error is ErrNotFound,
// ErrUnavailable before its command has started, ErrOver after it has exited, or
// what kill(2) says.
func (x *Executor) Signal(id octaskly.AttemptID, n int) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.entries[id]
	var err error
	switch {
	case e == nil:
		err = octaskly.ErrNotFound
	case n < 1 || n > 64:
		err = unix.EINVAL
	case e.signals:
		err = e.slot.signal(syscall.Signal(n))
	case e.phase == ended || !e.startedAt.IsZero():
		err = octaskly.ErrOver
	default:
		err = octaskly.ErrUnavailable
	}
	if err != nil {
		return fmt.Errorf("cannot send signal %d to attempt %v: %w", n, id, err)
	}
	return nil
}
