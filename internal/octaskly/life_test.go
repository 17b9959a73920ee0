package octaskly

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const maxLosses = 3

// history is what a task's user and the store have been told of it.
type history struct {
	opened    int         // attempts so far
	rows      map[int]int // attempts that have ended, by number, and how often they have
	recalled  map[int]bool
	completed bool
	lossesAt  int // before the latest attempt was missed
}

// Random events, of current and stale attempts, in any order and number, never
// break what the states promise.
func TestLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := &Task{Job: 1, State: Queued}
		spec := &Spec{Retries: rapid.IntRange(0, 3).Draw(t, "retries"), Backoff: time.Second}
		h := &history{rows: map[int]int{}, recalled: map[int]bool{}}
		now := time.Unix(1e9, 0)
		for range rapid.IntRange(0, 200).Draw(t, "events") {
			before := *task
			attempt := task.Attempt - rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "stale")
			event := rapid.SampledFrom(events).Draw(t, "event")
			err := apply(task, event, attempt, spec, now)
			checkStep(t, event, attempt, &before, task, err)
			h.note(t, event, &before, task, err)
			now = now.Add(time.Second)
		}
	})
}

var events = []string{
	"assign", "assign", "start", "start", "start", "complete", "fail", "vanish", "stopped", "lease",
	"miss", "miss", "miss", "return", "return", "lose", "release", "recall", "stop", "again",
}

func apply(task *Task, event string, attempt int, spec *Spec, now time.Time) error {
	end := func(e End) error { return task.End(attempt, e, spec, 0.5, now) }
	switch event {
	case "assign":
		return task.Assign("w", now)
	case "start":
		return task.Start(attempt, now)
	case "complete":
		return end(End{State: Completed, StartedAt: now})
	case "fail":
		return end(End{State: Failed, Reason: ReasonExit(1), StartedAt: now})
	case "vanish":
		return end(End{State: Failed, Reason: ReasonSpawn("ENOENT")})
	case "stopped":
		return end(End{State: Cancelled, Reason: ReasonCancelled, StartedAt: now})
	case "lease":
		return end(End{State: Cancelled, Reason: ReasonLease, StartedAt: now})
	case "miss":
		return task.Miss(attempt, maxLosses, now)
	case "return":
		return task.Return(attempt)
	case "lose":
		return task.Lose(attempt, maxLosses, now)
	case "release":
		return task.Release(attempt, ReasonReleased, now)
	case "recall":
		return task.Recall(attempt, now)
	case "stop":
		return task.Stop("by test", now)
	}
	return task.Again()
}

// changesTask are the events that do not speak of an attempt.
func changesTask(event string) bool { return event == "assign" || event == "stop" || event == "again" }

func checkStep(t *rapid.T, event string, attempt int, before, after *Task, err error) {
	switch {
	case err != nil && (!errors.Is(err, ErrStale) || *before != *after):
		t.Fatalf("%s refused with %v, yet %+v became %+v", event, err, *before, *after)
	case err != nil:
		return
	case before.State.Terminal() && event != "again":
		t.Fatalf("%s changed a task that was %v", event, before.State)
	case before.State == Completed:
		t.Fatalf("%s changed a completed task", event)
	case after.Attempt != before.Attempt && event != "assign" || after.Attempt < before.Attempt:
		t.Fatalf("%s made attempt %d of %d", event, after.Attempt, before.Attempt)
	case event == "assign" && after.Attempt != before.Attempt+1:
		t.Fatalf("attempt %d follows %d", after.Attempt, before.Attempt)
	case !changesTask(event) && attempt != before.Attempt:
		t.Fatalf("%s of attempt %d changed attempt %d", event, attempt, before.Attempt)
	case !changesTask(event) && !before.Open(attempt):
		t.Fatalf("%s of attempt %d, which is over: %+v", event, attempt, *before)
	case after.State.Terminal() != !after.EndedAt.IsZero():
		t.Fatalf("%s: %v with an end at %v", event, after.State, after.EndedAt)
	case after.State == Completed && event != "complete":
		t.Fatalf("%s completed a task", event)
	case before.Cancel && after.State == Queued:
		t.Fatalf("%s queued a task that is being cancelled", event)
	case event == "vanish" && after.State != Failed:
		t.Fatalf("a missing program left a task %v", after.State)
	case !after.LostAt.IsZero() && (after.State != Queued || event != "miss"):
		t.Fatalf("%s: %+v", event, *after)
	case event == "return" && after.State != Assigned && after.State != Running:
		t.Fatalf("an attempt that is back is %v", after.State)
	case event == "miss" && after.State == Queued && !after.Missed():
		t.Fatalf("it was missed, and is forgotten: %+v", *after)
	case (event == "stopped" || event == "lease") && !before.Cancel && after.State != Queued:
		t.Fatalf("nobody has cancelled it, and it is %v", after.State)
	}
	checkCounters(t, event, before, after)
}

func checkCounters(t *rapid.T, event string, before, after *Task) {
	lost, failed := after.Losses-before.Losses, after.Failures-before.Failures
	switch {
	case after.Losses < 0 || after.Losses > maxLosses || after.Losses == maxLosses && !after.State.Terminal():
		t.Fatalf("%s: %d losses in state %v", event, after.Losses, after.State)
	case lost > 0 && (lost > 1 || before.State != Running || event != "miss" && event != "lose"):
		t.Fatalf("%s of a %v task: %d losses more", event, before.State, lost)
	case lost < 0 && event != "again" && (lost < -1 || !before.Missed()):
		t.Fatalf("%s: %d losses less", event, lost)
	case failed != 0 && event != "again" && event != "fail":
		t.Fatalf("%s: %d failures more", event, failed)
	case (event == "release" || event == "stopped" && !before.Cancel) && lost > 0:
		t.Fatalf("%s is nobody's fault", event)
	}
}

// note keeps the books as the store does, and checks that they add up: each
// attempt that was opened and not recalled ends once, and nothing follows a
// completion.
func (h *history) note(t *rapid.T, event string, before, after *Task, err error) {
	if err != nil {
		return
	}
	if before.Open(before.Attempt) && !after.Open(before.Attempt) {
		if event == "recall" {
			h.recalled[before.Attempt] = true
		} else {
			h.rows[before.Attempt]++
		}
	}
	switch event {
	case "assign":
		h.opened++
	case "miss":
		h.lossesAt = before.Losses
	case "return":
		if after.Losses != h.lossesAt {
			t.Fatalf("%d losses before it was missed, %d when it was back", h.lossesAt, after.Losses)
		}
	}
	if h.completed && after.State != Completed {
		t.Fatalf("%s: a completed task is %v", event, after.State)
	}
	h.completed = h.completed || after.State == Completed
	for n := 1; n <= h.opened; n++ {
		want := 1
		if h.recalled[n] || after.Open(n) {
			want = 0
		}
		if h.rows[n] != want {
			t.Fatalf("%s: attempt %d of %d has ended %d times, want %d: %+v", event, n, h.opened, h.rows[n], want, *after)
		}
	}
}

// What becomes of a running task, its reason and its losses.
func TestGivenUp(t *testing.T) {
	const limit = 2
	now := time.Unix(1e9, 0)
	stopped := func(r Reason) func(*Task) error {
		return func(t *Task) error {
			return t.End(1, End{State: Cancelled, Reason: r, StartedAt: now}, &Spec{}, 0, now)
		}
	}
	miss := func(t *Task) error { return t.Miss(1, limit, now) }
	lose := func(t *Task) error { return t.Lose(1, limit, now) }
	back := func(t *Task) error { return t.Return(1) }
	release := func(t *Task) error { return t.Release(1, ReasonReleased, now) }
	once := func(t *Task) error { t.Losses = limit - 1; return nil }
	cancel := func(t *Task) error { return t.Stop("by test", now) }
	for name, test := range map[string]struct {
		events []func(*Task) error
		state  State
		reason Reason
		losses int
	}{
		"missed":                       {[]func(*Task) error{miss}, Queued, ReasonWorkerLost, 1},
		"missed and back":              {[]func(*Task) error{miss, back}, Running, "", 0},
		"missed, back and missed":      {[]func(*Task) error{miss, back, miss}, Queued, ReasonWorkerLost, 1},
		"missed and lost":              {[]func(*Task) error{miss, lose}, Queued, ReasonWorkerLost, 1},
		"missed and released":          {[]func(*Task) error{miss, release}, Queued, ReasonReleased, 0},
		"missed and cancelled":         {[]func(*Task) error{miss, cancel}, Cancelled, ReasonCancelled, 1},
		"missed too often":             {[]func(*Task) error{once, miss}, Failed, ReasonLostTimes(limit), limit},
		"missed while cancelled":       {[]func(*Task) error{once, cancel, miss}, Cancelled, ReasonCancelled, limit},
		"lost":                         {[]func(*Task) error{lose}, Queued, ReasonWorkerLost, 1},
		"lost too often":               {[]func(*Task) error{once, lose}, Failed, ReasonLostTimes(limit), limit},
		"lost too often and retried":   {[]func(*Task) error{once, lose, (*Task).Again}, Queued, "", 0},
		"released":                     {[]func(*Task) error{once, release}, Queued, ReasonReleased, limit - 1},
		"released while cancelled":     {[]func(*Task) error{cancel, release}, Cancelled, ReasonCancelled, 0},
		"stopped by its lease":         {[]func(*Task) error{stopped(ReasonLease)}, Queued, ReasonLease, 0},
		"stopped by nobody's cancel":   {[]func(*Task) error{stopped(ReasonCancelled)}, Queued, ReasonReleased, 0},
		"stopped by a cancel":          {[]func(*Task) error{cancel, stopped(ReasonCancelled)}, Cancelled, ReasonCancelled, 0},
		"missed, stopped by its lease": {[]func(*Task) error{miss, stopped(ReasonLease)}, Queued, ReasonLease, 0},
	} {
		task := &Task{Job: 1, Attempt: 1, State: Running, Worker: "w", StartedAt: now}
		for _, event := range test.events {
			if err := event(task); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if task.State != test.state || task.Reason != test.reason || task.Losses != test.losses {
			t.Errorf("%s: %v %q, %d losses, want %v %q, %d", name, task.State, task.Reason, task.Losses, test.state, test.reason, test.losses)
		}
	}
}

// Only what is with a worker, or was missed, can be given up.
func TestNothingToGiveUp(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, task := range map[string]Task{
		"queued": {State: Queued, Attempt: 1}, "completed": {State: Completed, Attempt: 1}, "another attempt": {State: Running, Attempt: 2},
	} {
		for event, err := range map[string]error{
			"miss": task.Miss(1, 5, now), "return": task.Return(1), "lose": task.Lose(1, 5, now), "release": task.Release(1, ReasonReleased, now),
			"end": task.End(1, End{State: Completed}, &Spec{}, 0, now),
		} {
			if !errors.Is(err, ErrStale) {
				t.Errorf("%s: %s: %v", name, event, err)
			}
		}
	}
	missed := Task{State: Queued, Attempt: 1, LostAt: now}
	if err := missed.Miss(1, 5, now); !errors.Is(err, ErrStale) {
		t.Errorf("missed twice: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	for _, test := range []struct {
		base     time.Duration
		failures int
		spread   float64
		want     time.Duration
	}{
		{time.Second, 1, 0, time.Second},
		{time.Second, 4, 0, 8 * time.Second},
		{time.Second, 4, 1, 6 * time.Second},
		{time.Second, 1000, 0, time.Hour},
		{2 * time.Hour, 3, 0, 2 * time.Hour},
		{0, 9, 1, 0},
	} {
		if got := backoff(test.base, test.failures, test.spread); got != test.want {
			t.Errorf("backoff(%v, %d, %v) = %v, want %v", test.base, test.failures, test.spread, got, test.want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		state  State
		reason Reason
		want   int
	}{
		{Completed, "", 0},
		{Failed, ReasonExit(3), 3},
		{Failed, ReasonSignal(9), 137},
		{TimedOut, ReasonTimeout, 124},
		{Cancelled, ReasonCancelled, 125},
		{Failed, ReasonLostTimes(5), 125},
		{Failed, ReasonSpawn("ENOENT"), 127},
		{Failed, ReasonSpawn("EACCES"), 126},
		{Failed, ReasonExecutor, 125},
	} {
		if got := ExitCode(test.state, test.reason); got != test.want {
			t.Errorf("ExitCode(%v, %q) = %d, want %d", test.state, test.reason, got, test.want)
		}
	}
}

func TestSpecCheck(t *testing.T) {
	long := string(make([]byte, MaxArg+1))
	for _, test := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "command: it is missing; write it after --, as in: octasklyctl run -- uname -a"},
		{Spec{Argv: []string{""}}, "command: its name is empty"},
		{Spec{Argv: []string{"a", "b\x00"}}, "argument 1 of the command: it contains a NUL byte, which no command line can carry; give binary input by --stdin"},
		{Spec{Argv: []string{"a", long[:MaxArg+1]}}, "argument 1 of the command: it contains a NUL byte, which no command line can carry; give binary input by --stdin"},
		{Spec{Argv: []string{"a"}, Env: []string{"X"}}, `env: "X" is not NAME=value`},
		{Spec{Argv: []string{"a"}, Env: []string{"X=1", "X=2"}}, `env: "X" is given twice`},
		{Spec{Argv: []string{"a"}, Env: []string{"OCTASKLY_X=1"}}, `env: "OCTASKLY_X" cannot be set: names that begin with OCTASKLY_ are octaskly's own`},
		{Spec{Argv: []string{"a"}, Dir: "x"}, `cwd: "x" is not absolute; it names a directory of the worker's machine`},
		{Spec{Argv: []string{"a"}, Retries: -1}, "retries: -1 is not from 0 to 1000"},
		{Spec{Argv: []string{"a"}, Room: Room{"gold": 1}}, `room: no resource is named "gold"`},
		{Spec{Argv: []string{"a"}, Room: Room{CPU: 0}}, "cpu: 0 is out of range"},
	} {
		if err := test.spec.Check(); err == nil || err.Error() != test.want {
			t.Errorf("Check of %.60v: %v, want %s", test.spec, err, test.want)
		}
	}
}
