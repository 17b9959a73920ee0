package executor

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// lease is a dispatcher's trust in this executor: whatever it hears or does not
// hear, until renewed+length it gives nothing that we have to anybody else. The
// zero lease is none.
type lease struct {
	renewed Moment
	length  time.Duration
}

// trust is how far a lease is.
type trust uint8

const (
	trusted  trust = iota
	doubtful       // half of it is over: nothing starts, what runs gets TERM
	spent          // three quarters are: what runs gets KILL, what waits is given back
)

// at says how far the lease is at a moment, and when it is so no more by itself;
// 0: never. The last quarter is for KILL to do its work, and for clocks that run
// at different speeds.
func (l lease) at(now Moment) (t trust, until Moment) {
	half, most := l.renewed.Add(l.length/2), l.renewed.Add(l.length-l.length/4)
	switch {
	case l.length <= 0 || now >= most:
		return spent, 0
	case now >= half:
		return doubtful, most
	}
	return trusted, half
}

// guarded is when the guard process sends KILL, which is after this process has,
// if it can. 0: at once.
func (l lease) guarded() Moment {
	if l.length <= 0 {
		return 0
	}
	return l.renewed.Add(l.length - l.length/4 + l.length/16)
}

// maxLease bounds what a dispatcher may say. To believe in less than it grants
// is safe.
const maxLease = 7 * 24 * time.Hour

// Renew is the word that the dispatcher still trusted this executor at a moment,
// and for how long it does so. Attempts with Spec.AtMostOne depend on it; where
// nobody says a length, which is 0 then, they cannot be executed.
func (x *Executor) Renew(at Moment, length time.Duration) {
	x.mu.Lock()
	late := x.enforceLocked() // by what was known so far, however late that is
	if at >= x.lease.renewed {
		x.lease = lease{at, min(max(length, 0), maxLease)}
		late = append(late, x.enforceLocked()...)
	}
	x.guard.setLocked(x.lease)
	if len(x.fifo) > 0 {
		x.more.Signal()
	}
	x.mu.Unlock()
	x.giveBack(late)
}

// enforce does what the lease asks for now, and has itself called at its next
// step.
func (x *Executor) enforce() {
	x.mu.Lock()
	late := x.enforceLocked()
	x.guard.setLocked(x.lease)
	x.mu.Unlock()
	x.giveBack(late)
}

// enforceLocked does what the lease asks for now. What it returns has waited for
// too long, and is to be given back without the lock.
func (x *Executor) enforceLocked() (late []*entry) {
	t, _ := x.lease.at(Now())
	if t == trusted {
		return nil
	}
	for _, e := range x.entries {
		switch {
		case !e.Spec.AtMostOne:
		case e.phase == running:
			x.endLocked(e, t)
		case e.phase == queued && t == spent:
			e.phase = leaving
			late = append(late, e)
		}
	}
	if len(late) > 0 {
		x.sift()
	}
	return late
}

// endLocked has a running attempt end. TERM is its slot's to send. KILL is not: a
// slot may wait for a disk, or for the self-test of a program that has just taken
// over.
func (x *Executor) endLocked(e *entry, t trust) {
	if !e.lapsed {
		e.lapsed = true
		e.slot.interrupt()
	}
	if t < spent || !e.signals {
		return
	}
	if err := e.slot.group.Kill(); err != nil {
		x.log.Error("cannot kill a command whose lease is over", "attempt", e.ID.String(), "error", err)
	}
}

// giveBack ends what has not started.
func (x *Executor) giveBack(late []*entry) {
	for _, e := range late {
		x.finish(e, errLapsed.end(), false)
	}
}

// errLapsed is why an attempt is not started any more, or had to end.
var errLapsed = &failure{
	octaskly.ReasonLease,
	"its worker was out of touch with the dispatcher for too long: it may run only once at a time, and the dispatcher is about to give it to another",
}

// cleared says why e must not be started now, if so: nobody would end it in time, or
// it is too late.
func (s *slot) cleared(e *entry) *failure {
	if !e.Spec.AtMostOne {
		return nil
	}
	if err := s.x.guard.process.admit(e.serial, s.chargeOf()); err != nil {
		return failuref(octaskly.ReasonLacks(octaskly.AtMostOne), "worker %q cannot promise to end it in time: %v", s.worker, err)
	}
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	if t, _ := s.x.lease.at(Now()); t != trusted || e.lapsed {
		return errLapsed
	}
	return nil
}

// dismiss tells the guard that nothing of e is left. The group is made anew for the
// next one: the guard may have frozen or killed it.
func (s *slot) dismiss(e *entry) {
	if s.x.guard.process.release(e.serial) {
		_ = s.group.Kill() // of nobody
	}
}

// lapsed reports whether an attempt had to end because of the lease, also if this
// process was asleep when it should have said so.
func (x *Executor) lapsed(e *entry) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	t, _ := x.lease.at(Now())
	return e.lapsed || t == spent
}
