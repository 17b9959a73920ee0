package octaskly

import (
	"errors"
	"time"
)

// MaxLosses is how many workers a task may take down before it fails, unless a
// dispatcher is told otherwise.
const MaxLosses = 5

// maxBackoff bounds the doubling of Spec.Backoff.
const maxBackoff = time.Hour

// ErrStale says that an event spoke of an attempt that is not the current one,
// or of a state that the task is no longer in. It changes nothing.
var ErrStale = errors.New("stale event")

// Task is a task that has left the queue at least once.
type Task struct {
	Job      JobID
	Index    Index
	State    State
	Attempt  int // number of the latest attempt
	Failures int // failed attempts that count against Spec.Retries
	Losses   int // attempts lost with their worker while running
	Worker   WorkerID
	Cancel   bool // a cancel was accepted and not yet carried out
	Reason   Reason
	Detail   string // more words on Reason, for people

	NotBefore  time.Time // queued: of the next attempt
	LostAt     time.Time // queued: when the latest attempt was given up; its worker may yet be back with it
	AssignedAt time.Time // these three: of the latest attempt
	StartedAt  time.Time
	EndedAt    time.Time
	Seq        int64 // number of the latest transition
}

// Current is the name of the latest attempt.
func (t *Task) Current() AttemptID {
	return AttemptID{Job: t.Job, Index: t.Index, Number: t.Attempt}
}

// Assign opens a further attempt, on worker.
func (t *Task) Assign(worker WorkerID, now time.Time) error {
	if t.State != Queued {
		return ErrStale
	}
	t.State, t.Worker, t.AssignedAt = Assigned, worker, now
	t.Attempt++
	t.Reason, t.Detail = "", ""
	t.NotBefore, t.LostAt, t.StartedAt, t.EndedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return nil
}

// Start is the worker's word that the attempt's command executes.
func (t *Task) Start(attempt int, at time.Time) error {
	if t.Attempt != attempt || t.State != Assigned {
		return ErrStale
	}
	t.State, t.StartedAt = Running, at
	return nil
}

// End is the worker's word on how the attempt ended. A failure that merits
// another attempt goes back to the queue while retries are left; spread, from
// 0 to 1, shifts its time so that failures of a kind do not come back together.
// The end of an attempt that was missed counts like any other. One that was
// cancelled by no user is released.
func (t *Task) End(attempt int, end End, spec *Spec, spread float64, now time.Time) error {
	if !t.Open(attempt) {
		return ErrStale
	}
	if end.State == Cancelled && !t.Cancel {
		return t.Release(attempt, end.Reason, now)
	}
	t.findAgain()
	t.StartedAt, t.Reason = end.StartedAt, end.Reason
	if !t.Cancel || end.State != Cancelled { // whose cancel it was has been said
		t.Detail = end.Detail
	}
	if end.State != Completed && !t.Cancel && end.Reason.MeritsRetry() && t.Failures < spec.Retries {
		t.Failures++
		t.State, t.NotBefore = Queued, now.Add(backoff(spec.Backoff, t.Failures, spread))
		return nil
	}
	t.end(end.State, now)
	return nil
}

// Miss gives the attempt up because its worker has been silent for a whole lease.
// Until another one is opened, that worker may be back with it.
func (t *Task) Miss(attempt, maxLosses int, now time.Time) error {
	if t.Missed() {
		return ErrStale
	}
	if err := t.Lose(attempt, maxLosses, now); err != nil {
		return err
	}
	if t.State == Queued {
		t.LostAt = now
	}
	return nil
}

// Return goes on with a missed attempt, whose worker is back with it. It is no
// loss any more.
func (t *Task) Return(attempt int) error {
	if t.Attempt != attempt || !t.Missed() {
		return ErrStale
	}
	t.findAgain()
	return nil
}

// Lose gives the attempt up for good: its worker is back without it, or will not
// be back. One that was missed is counted already.
func (t *Task) Lose(attempt, maxLosses int, now time.Time) error {
	switch {
	case !t.Open(attempt):
		return ErrStale
	case t.Missed():
		t.LostAt = time.Time{}
		return nil
	case t.State == Running:
		t.Losses++
	}
	t.Reason = ReasonWorkerLost
	switch {
	case t.Cancel:
		t.Reason = ReasonCancelled
		t.end(Cancelled, now)
	case t.Losses >= maxLosses:
		t.Reason = ReasonLostTimes(t.Losses)
		t.end(Failed, now)
	default:
		t.State = Queued
	}
	return nil
}

// Release takes an attempt back that was stopped, or given back, on the word of
// the worker's operator, or because of its lease where that is why. It is no loss
// and no failure.
func (t *Task) Release(attempt int, why Reason, now time.Time) error {
	if !t.Open(attempt) {
		return ErrStale
	}
	t.findAgain()
	if t.Cancel {
		t.Reason = ReasonCancelled
		t.end(Cancelled, now)
		return nil
	}
	if t.Reason = ReasonReleased; why == ReasonLease {
		t.Reason = ReasonLease
	}
	t.State = Queued
	return nil
}

// Open reports whether attempt is the latest one and not over: it is with its
// worker, or missed.
func (t *Task) Open(attempt int) bool {
	return t.Attempt == attempt && (t.State == Assigned || t.State == Running || t.Missed())
}

// Missed reports whether the latest attempt was given up and its worker may yet
// be back with it.
func (t *Task) Missed() bool { return t.State == Queued && !t.LostAt.IsZero() }

// findAgain undoes what Miss did, if it did.
func (t *Task) findAgain() {
	if !t.Missed() {
		return
	}
	t.State, t.LostAt, t.Reason = Assigned, time.Time{}, ""
	if !t.StartedAt.IsZero() {
		t.State = Running
		t.Losses--
	}
}

// Recall takes an attempt back that its worker has not started.
func (t *Task) Recall(attempt int, now time.Time) error {
	if t.Attempt != attempt || t.State != Assigned {
		return ErrStale
	}
	t.State = Queued
	if t.Cancel {
		t.Reason = ReasonCancelled
		t.end(Cancelled, now)
	}
	return nil
}

// Stop is a user's cancel. A queued task ends at once; one that a worker has
// ends when that worker says so, or is lost.
func (t *Task) Stop(detail string, now time.Time) error {
	switch {
	case t.State.Terminal() || t.Cancel:
		return ErrStale
	case t.State == Queued:
		t.Reason, t.Detail = ReasonCancelled, detail
		t.end(Cancelled, now)
	default:
		t.Cancel, t.Detail = true, detail
	}
	return nil
}

// Again is a user's retry of a task that ended without completing. Its history
// stays; retries and losses are counted anew.
func (t *Task) Again() error {
	if !t.State.Terminal() || t.State == Completed {
		return ErrStale
	}
	t.State, t.Cancel, t.Failures, t.Losses = Queued, false, 0, 0
	t.Reason, t.Detail = "", ""
	t.NotBefore, t.StartedAt, t.EndedAt = time.Time{}, time.Time{}, time.Time{}
	return nil
}

func (t *Task) end(s State, now time.Time) {
	t.State, t.EndedAt, t.Cancel, t.LostAt = s, now, false, time.Time{}
}

// MeritsRetry reports whether another attempt could end better. A command that
// is missing or not executable stays so.
func (r Reason) MeritsRetry() bool {
	switch r.Kind() {
	case "exit", "signal", "timeout", "executor":
		return true
	case "spawn":
		return r.Value() == "EAGAIN" || r.Value() == "ENOMEM" || r.Value() == "ETXTBSY"
	}
	return false
}

// MaxWait is the longest that a task may wait for its next attempt after so many
// failures.
func (s *Spec) MaxWait(failures int) time.Duration { return backoff(s.Backoff, failures, 0) }

// backoff doubles base for each failure and takes off up to a quarter of it.
func backoff(base time.Duration, failures int, spread float64) time.Duration {
	d := base
	for range failures - 1 {
		if d >= maxBackoff {
			break
		}
		d *= 2
	}
	if d > maxBackoff && base <= maxBackoff {
		d = maxBackoff
	}
	return d - time.Duration(spread*float64(d)/4)
}
