package octaskly

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Random events, of current and stale attempts in any order, never break what
// the states promise.
func TestLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := &Task{Job: 1, State: Queued}
		spec := &Spec{Retries: rapid.IntRange(0, 3).Draw(t, "retries"), Backoff: time.Second}
		now := time.Unix(1e9, 0)
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			before := *task
			attempt := task.Attempt - rapid.IntRange(0, 1).Draw(t, "stale")
			event := rapid.SampledFrom([]string{"assign", "start", "complete", "fail", "vanish", "lose", "recall", "stop", "again"}).Draw(t, "event")
			err := apply(task, event, attempt, spec, now)
			checkStep(t, event, attempt, &before, task, err)
		}
	})
}

func apply(task *Task, event string, attempt int, spec *Spec, now time.Time) error {
	switch event {
	case "assign":
		return task.Assign("w", now)
	case "start":
		return task.Start(attempt, now)
	case "complete":
		return task.End(attempt, End{State: Completed, StartedAt: now}, spec, 0, now)
	case "fail":
		return task.End(attempt, End{State: Failed, Reason: ReasonExit(1), StartedAt: now}, spec, 0.5, now)
	case "vanish":
		return task.End(attempt, End{State: Failed, Reason: ReasonSpawn("ENOENT")}, spec, 0.5, now)
	case "lose":
		return task.Lose(attempt, now)
	case "recall":
		return task.Recall(attempt, now)
	case "stop":
		return task.Stop("by test", now)
	}
	return task.Again()
}

func checkStep(t *rapid.T, event string, attempt int, before, after *Task, err error) {
	switch {
	case err != nil && (!errors.Is(err, ErrStale) || *before != *after):
		t.Fatalf("%s refused with %v, yet %+v became %+v", event, err, *before, *after)
	case err != nil:
		return
	case before.State.Terminal() && event != "again":
		t.Fatalf("%s changed a task that was %v", event, before.State)
	case after.Attempt != before.Attempt && event != "assign" || after.Attempt < before.Attempt:
		t.Fatalf("%s made attempt %d of %d", event, after.Attempt, before.Attempt)
	case event != "assign" && event != "stop" && event != "again" && attempt != before.Attempt:
		t.Fatalf("%s of attempt %d changed attempt %d", event, attempt, before.Attempt)
	case after.State.Terminal() != !after.EndedAt.IsZero():
		t.Fatalf("%s: %v with an end at %v", event, after.State, after.EndedAt)
	case after.State == Completed && event != "complete":
		t.Fatalf("%s completed a task", event)
	case before.Cancel && after.State == Queued:
		t.Fatalf("%s queued a task that is being cancelled", event)
	case event == "vanish" && after.State != Failed:
		t.Fatalf("a missing program left a task %v", after.State)
	case after.Losses > MaxLosses:
		t.Fatalf("%d losses", after.Losses)
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
