package octaskly

import (
	"testing"
	"time"
)

// What is told of each step of a task's life.
func TestTell(t *testing.T) {
	at := time.Unix(1, 0)
	spec := &Spec{Retries: 1}
	running := Task{Job: 7, Index: 3, State: Running, Attempt: 2, Worker: "w", StartedAt: at}
	with := func(t Task, change func(*Task) error) Task {
		if err := change(&t); err != nil {
			panic(err)
		}
		return t
	}
	assigned := Task{Job: 7, Index: 3, State: Assigned, Attempt: 2, Worker: "w"}
	missed := with(running, func(t *Task) error { return t.Miss(2, 5, at) })
	end := func(state State, reason Reason) func(*Task) error {
		return func(t *Task) error { return t.End(2, End{State: state, Reason: reason, Detail: "d"}, spec, 0, at) }
	}
	for name, test := range map[string]struct {
		was    Task
		change func(*Task) error
		kind   EventKind // 0: nothing
		why    Why
		reason Reason
		detail string
		worker WorkerID
	}{
		"assigned":              {Task{Job: 7, Index: 3, State: Queued, Attempt: 1}, func(t *Task) error { return t.Assign("w", at) }, TaskAssigned, 0, "", "", "w"},
		"running":               {assigned, func(t *Task) error { return t.Start(2, at) }, TaskRunning, 0, "", "", "w"},
		"completed":             {running, end(Completed, ""), TaskEnded, 0, "", "d", "w"},
		"ended without a word":  {assigned, end(Completed, ""), TaskEnded, 0, "", "d", "w"},
		"failed":                {with(running, func(t *Task) error { t.Failures = 1; return nil }), end(Failed, "exit:3"), TaskEnded, 0, "exit:3", "d", "w"},
		"failed once":           {running, end(Failed, "exit:3"), TaskQueued, WhyRetry, "exit:3", "d", "w"},
		"stopped by a lease":    {running, end(Cancelled, ReasonLease), TaskQueued, WhyReleased, ReasonLease, "", "w"},
		"released":              {running, func(t *Task) error { return t.Release(2, ReasonReleased, at) }, TaskQueued, WhyReleased, ReasonReleased, "", "w"},
		"recalled":              {assigned, func(t *Task) error { return t.Recall(2, at) }, TaskQueued, WhyRecalled, "", "", "w"},
		"missed":                {running, func(t *Task) error { return t.Miss(2, 5, at) }, TaskQueued, WhyLost, ReasonWorkerLost, "", "w"},
		"lost":                  {running, func(t *Task) error { return t.Lose(2, 5, at) }, TaskQueued, WhyLost, ReasonWorkerLost, "", "w"},
		"lost too often":        {running, func(t *Task) error { return t.Lose(2, 1, at) }, TaskEnded, 0, "worker-lost×1", "", "w"},
		"missed, then lost":     {missed, func(t *Task) error { return t.Lose(2, 5, at) }, 0, 0, "", "", ""},
		"missed, and back":      {missed, func(t *Task) error { return t.Return(2) }, TaskRunning, WhyBack, "", "", "w"},
		"missed, and elsewhere": {missed, func(t *Task) error { return t.Assign("v", at) }, TaskAssigned, 0, "", "", "v"},
		"missed, and cancelled": {missed, func(t *Task) error { return t.Stop("by me", at) }, TaskEnded, 0, ReasonCancelled, "by me", "w"},
		"being cancelled":       {running, func(t *Task) error { return t.Stop("by me", at) }, TaskCancelling, 0, ReasonCancelled, "by me", "w"},
		"cancelled in line":     {Task{Job: 7, Index: 3, State: Queued, Attempt: 1, Worker: "w"}, func(t *Task) error { return t.Stop("by me", at) }, TaskEnded, 0, ReasonCancelled, "by me", ""},
		"again":                 {Task{Job: 7, Index: 3, State: Failed, Attempt: 2, Worker: "w", Reason: "exit:1"}, (*Task).Again, TaskQueued, WhyAgain, "", "", ""},
	} {
		is := with(test.was, test.change)
		is.Seq = 9
		e, ok := Tell(&test.was, &is)
		if !ok {
			if test.kind != 0 {
				t.Errorf("%s: nothing is told", name)
			}
			continue
		}
		want := Event{Seq: 9, Kind: test.kind, Job: 7, Index: 3, Attempt: is.Attempt, Worker: test.worker, State: is.State, Why: test.why, Reason: test.reason, Detail: test.detail}
		if e.Kind != want.Kind || e.Why != want.Why || e.Reason != want.Reason || e.Detail != want.Detail || e.Worker != want.Worker ||
			e.Seq != 9 || e.Job != 7 || e.Index != 3 || e.Attempt != want.Attempt || e.State != want.State {
			t.Errorf("%s: (-want +got)\n- %+v\n+ %+v", name, want, e)
		}
	}
}

func TestEventKinds(t *testing.T) {
	for _, k := range EventKinds {
		if kinds, err := ParseEventKinds(k.String()); err != nil || len(kinds) != 1 || kinds[0] != k || !k.Known() {
			t.Errorf("%v: %v, %v", k, kinds, err)
		}
	}
	all := 0
	for _, subject := range []string{"job", "task", "worker", "dispatcher"} {
		kinds, err := ParseEventKinds(subject)
		if all += len(kinds); err != nil {
			t.Error(err)
		}
	}
	if all != len(EventKinds) || EventKind(0).Known() || EventKind(len(EventKinds)+1).Known() || Why(7).Known() {
		t.Errorf("of %d kinds %d have a subject", len(EventKinds), all)
	}
	for _, text := range []string{"", "task.", "tasks", "ended"} {
		if _, err := ParseEventKinds(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
