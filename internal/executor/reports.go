package executor

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
)

// Wake receives when there is something to Take.
func (x *Executor) Wake() <-chan struct{} { return x.wake }

// Take returns what has started and ended since the last call. Of an attempt that
// did both, only the end.
func (x *Executor) Take() (started []protocol.Started, finished []protocol.Finished) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.news {
		e.announced = false
		switch {
		case e.forgotten:
		case e.phase == ended:
			finished = append(finished, e.finished)
		default:
			started = append(started, protocol.Started{ID: e.ID, At: e.startedAt})
		}
	}
	clear(x.news)
	x.news = x.news[:0]
	return started, finished
}

// announceLocked puts e among the news and wakes whoever takes them.
func (x *Executor) announceLocked(e *entry) {
	if !e.announced {
		e.announced = true
		x.news = append(x.news, e)
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// Held returns all attempts that are not released, and whose they are.
func (x *Executor) Held() (generation string, held []protocol.Held) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		h := protocol.Held{ID: e.ID, State: octaskly.Assigned, StartedAt: e.startedAt}
		switch {
		case e.phase == ended:
			h.State = octaskly.Completed
		case !e.startedAt.IsZero():
			h.State = octaskly.Running
		}
		held = append(held, h)
	}
	return x.generation, held
}

// Unacknowledged returns every end that is not released.
func (x *Executor) Unacknowledged() (finished []protocol.Finished) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		if e.phase == ended {
			finished = append(finished, e.finished)
		}
	}
	return finished
}

// Output returns an attempt's output, also while it is queued or runs.
func (x *Executor) Output(id octaskly.AttemptID) (*spool.Log, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.entries[id]
	if e == nil {
		return nil, false
	}
	return e.output, true
}

// Release forgets ended attempts: somebody else has their ends and outputs for
// good.
func (x *Executor) Release(ids []octaskly.AttemptID) {
	x.mu.Lock()
	var old []*entry
	for _, id := range ids {
		if e := x.entries[id]; e != nil && e.phase == ended {
			old = append(old, x.dropLocked(e)...)
		}
	}
	x.mu.Unlock()
	x.discard(old)
}

// started says that e's command executes.
func (x *Executor) started(e *entry, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.startedAt, e.signals = at, true
	e.slot.pid = e.slot.group.PID()
	if e.Spec.AtMostOne {
		t, _ := x.lease.at(Now())
		if e.lapsed {
			t = spent // even if there is another lease by now
		}
		if t != trusted { // so long the start took
			x.endLocked(e, t)
		}
	}
	if !e.forgotten {
		x.announceLocked(e)
	}
}

// exited says that e's command is about to be reaped.
func (x *Executor) exited(e *entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.signals = false
}

// maxDetail bounds the words about an end, in bytes: they quote what a task says.
const maxDetail = 1 << 10

// finish keeps an end and tells of it, or if lost forgets the attempt. One that the
// executor's stop has ended is given back with its output where that rides along:
// nobody can fetch it later.
func (x *Executor) finish(e *entry, end octaskly.End, lost bool) {
	if len(end.Detail) > maxDetail {
		end.Detail = end.Detail[:maxDetail] + "…"
	}
	f := protocol.Finished{ID: e.ID, End: end}
	x.collect(e, &f)
	if lost && !end.StartedAt.IsZero() && !x.isForgotten(e) && f.End.Output.Stored == int64(len(f.Output)) {
		lost = false
		f.End.State, f.End.Reason, f.End.Detail = octaskly.Cancelled, octaskly.ReasonReleased, "its worker was stopped"
		end = f.End
	}
	if lost {
		x.tellLost(e)
	} else {
		x.keep(e, &f)
		x.tellEnd(e, &end)
	}
	x.mu.Lock()
	x.vacate(e)
	if e.slot != nil {
		e.slot.pid = 0
	}
	e.phase, e.slot, e.finished = ended, nil, f
	var old []*entry
	if lost && !e.forgotten {
		e.forgotten = true
		delete(x.entries, e.ID)
	}
	if e.forgotten {
		old = []*entry{e}
	} else {
		x.announceLocked(e)
	}
	x.mu.Unlock()
	x.discard(old)
}

func (x *Executor) isForgotten(e *entry) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return e.forgotten
}

// collect closes e's output and adds it to f: its sizes, and the bytes if they
// may ride along.
func (x *Executor) collect(e *entry, f *protocol.Finished) {
	log := e.output
	if err := log.Close(); err != nil {
		x.log.Warn("output is incomplete", "attempt", e.ID.String(), "error", err)
	}
	f.End.Output = octaskly.OutputSize{
		Stored:    log.Size(),
		Stdout:    log.Written(spool.Stdout),
		Stderr:    log.Written(spool.Stderr),
		Discarded: log.Discarded(spool.Stdout) + log.Discarded(spool.Stderr),
	}
	if framed, ok := log.Bytes(); ok && len(framed) > 0 && len(framed) <= octaskly.InlineOutput {
		f.Output = framed
	}
}

// keep writes an end to the journal. If that fails the end is held in memory.
func (x *Executor) keep(e *entry, f *protocol.Finished) {
	r := record{Serial: e.serial, Generation: e.Generation, Finished: f}
	if f.Output == nil && f.End.Output.Stored > 0 {
		r.File = e.file
	}
	if err := x.journal.add(&r); err != nil {
		x.log.Error("ends do not survive this process", "error", err)
	}
}
