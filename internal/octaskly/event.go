package octaskly

import (
	"fmt"
	"strings"
	"time"
)

// Event is something that happened in a fleet. A transition of one task is told
// by Tell; what happens to many elements of a job at once is one event.
type Event struct {
	Seq        int64 // from the sequence of transitions, ascending
	At         time.Time
	Kind       EventKind
	Owner      string // of the job
	Job        JobID  // 0: it is about no task
	Array      bool   // the job is an array
	Index      Index
	Elements   Ranges // instead of Index; nil: it is about one task
	Attempt    int
	Worker     WorkerID
	WorkerName string // at that time
	State      State  // of the task, from then on; 0: it is about no single one
	Why        Why
	Reason     Reason
	Detail     string // for people
	Limit      int64  // that Reason names, as in End
	Peak       int64  // likewise
}

// EventKind says what happened. The numbers are stored: never renumber them.
type EventKind uint8

// The kinds of events.
const (
	JobSubmitted      EventKind = 1 // Elements of it
	TaskQueued        EventKind = 2 // again, see Why; of a retry, Elements that had not left the queue before
	TaskAssigned      EventKind = 3
	TaskRunning       EventKind = 4
	TaskEnded         EventKind = 5
	TaskCancelling    EventKind = 6 // its worker was asked to stop it
	JobCancelled      EventKind = 7 // Elements that had not left the queue
	TaskLate          EventKind = 8 // what came of an attempt that had been given up
	WorkerJoined      EventKind = 9
	WorkerStopping    EventKind = 10
	WorkerAway        EventKind = 11 // out of touch; what it has goes on for a lease
	WorkerBack        EventKind = 12
	WorkerLeft        EventKind = 13 // with a goodbye
	WorkerDrained     EventKind = 14
	WorkerResumed     EventKind = 15
	WorkerRemoved     EventKind = 16
	DispatcherStarted EventKind = 17
	WorkerLost        EventKind = 18 // its lease has ended
)

// EventKinds are all there are.
var EventKinds = []EventKind{
	JobSubmitted, TaskQueued, TaskAssigned, TaskRunning, TaskEnded, TaskCancelling, JobCancelled, TaskLate,
	WorkerJoined, WorkerStopping, WorkerAway, WorkerLost, WorkerBack, WorkerLeft, WorkerDrained, WorkerResumed, WorkerRemoved,
	DispatcherStarted,
}

var kindNames = [...]string{
	JobSubmitted: "job.submitted", TaskQueued: "task.queued", TaskAssigned: "task.assigned", TaskRunning: "task.running",
	TaskEnded: "task.ended", TaskCancelling: "task.cancelling", JobCancelled: "job.cancelled", TaskLate: "task.late",
	WorkerJoined: "worker.joined", WorkerStopping: "worker.stopping", WorkerAway: "worker.away", WorkerLost: "worker.lost", WorkerBack: "worker.back",
	WorkerLeft: "worker.left", WorkerDrained: "worker.drained", WorkerResumed: "worker.resumed", WorkerRemoved: "worker.removed",
	DispatcherStarted: "dispatcher.started",
}

func (k EventKind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// ParseEventKinds reads the name of a kind, or the word before its dot, which
// stands for all of these.
func ParseEventKinds(text string) (kinds []EventKind, err error) {
	for _, k := range EventKinds {
		if subject, _, _ := strings.Cut(k.String(), "."); text == subject || text == k.String() {
			kinds = append(kinds, k)
		}
	}
	if kinds == nil {
		return nil, fmt.Errorf("no kind of events is called %.40q: want one such as task.ended, or job, task, worker or dispatcher", text)
	}
	return kinds, nil
}

// Why says how a task came to be where it is, where its state and reason do not.
// The numbers are stored: never renumber them.
type Why uint8

// The whys.
const (
	WhyLost     Why = 1 // queued: its worker went away
	WhyReleased Why = 2 // queued: on the word of its worker's operator, or for its lease
	WhyRecalled Why = 3 // queued: it had not begun, and others may begin it sooner
	WhyRetry    Why = 4 // queued: it failed, and has retries left
	WhyAgain    Why = 5 // queued: a user's retry
	WhyBack     Why = 6 // assigned or running: its worker is back with it
)

var whyNames = [...]string{"", "lost", "released", "recalled", "retry", "again", "back"}

func (w Why) String() string {
	if int(w) < len(whyNames) {
		return whyNames[w]
	}
	return fmt.Sprintf("why(%d)", uint8(w))
}

// Known reports whether w is one of those above, or none.
func (w Why) Known() bool { return int(w) < len(whyNames) }

// Known reports whether k is one of EventKinds.
func (k EventKind) Known() bool { return k >= JobSubmitted && k <= WorkerLost }

// Tell makes an event of a transition. One that is nothing new to anybody is none:
// a worker that was missed and comes back without the task.
func Tell(was, is *Task) (e Event, ok bool) {
	e = Event{Seq: is.Seq, Job: is.Job, Index: is.Index, Attempt: is.Attempt, Worker: is.Worker, State: is.State}
	switch {
	case is.State.Terminal():
		e.Kind, e.Reason, e.Detail = TaskEnded, is.Reason, is.Detail
		if was.State == Queued && !was.Missed() {
			e.Worker = ""
		}
	case is.Cancel && !was.Cancel:
		e.Kind, e.Reason, e.Detail = TaskCancelling, ReasonCancelled, is.Detail
	case is.State == Queued:
		if e.Why = whyQueued(was, is); e.Why == 0 {
			return e, false
		}
		e.Kind, e.Reason, e.Detail = TaskQueued, is.Reason, is.Detail
		if e.Why == WhyAgain {
			e.Worker = ""
		}
	case is.State == Assigned:
		e.Kind = TaskAssigned
	default:
		e.Kind = TaskRunning
	}
	if was.Missed() && is.Attempt == was.Attempt && (is.State == Assigned || is.State == Running) {
		e.Why = WhyBack
	}
	return e, true
}

func whyQueued(was, is *Task) Why {
	switch {
	case was.State.Terminal():
		return WhyAgain
	case is.Failures > was.Failures:
		return WhyRetry
	case is.Reason == ReasonReleased || is.Reason == ReasonLease:
		return WhyReleased
	case was.State == Queued:
		return 0
	case is.Reason == ReasonWorkerLost:
		return WhyLost
	}
	return WhyRecalled
}
