package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// A late end is kept beside a loss, once, and beside nothing else.
func TestLate(t *testing.T) {
	s := openTemp(t)
	at := time.UnixMicro(1e15).UTC()
	attempt := func(n int, w octaskly.WorkerID, r octaskly.Reason) octaskly.Attempt {
		return octaskly.Attempt{ID: octaskly.AttemptID{Job: 1, Number: n}, Worker: w, AssignedAt: at, Seq: int64(n),
			End: octaskly.End{State: octaskly.Failed, Reason: r, EndedAt: at}}
	}
	changes := plainJob(1)
	changes.Attempts = []octaskly.Attempt{
		attempt(1, "w", octaskly.ReasonWorkerLost), attempt(2, "w", octaskly.ReasonReleased), attempt(3, "other", octaskly.ReasonWorkerLost),
	}
	late := octaskly.End{State: octaskly.Completed, Reason: "r", StartedAt: at, EndedAt: at.Add(time.Second), CPUTime: 5, MaxRSS: 6, Leftover: true,
		Output: octaskly.OutputSize{Stored: 3, Stdout: 1, Stderr: 2, Discarded: 4},
		Usage:  octaskly.Usage{MemoryPeak: 7, ProcessesPeak: 8, Read: 9, Written: 10, DiskPeak: 11}, Workspace: "/kept"}
	for n := 1; n <= 4; n++ { // also one that is not there
		changes.Late = append(changes.Late, octaskly.Attempt{ID: octaskly.AttemptID{Job: 1, Number: n}, Worker: "w", End: late, Inline: []byte("abc")})
	}
	again := late
	again.State = octaskly.TimedOut
	put(t, s, changes)
	put(t, s, &Changes{Seq: 3, Late: []octaskly.Attempt{{ID: octaskly.AttemptID{Job: 1, Number: 1}, Worker: "w", End: again}}})

	want := changes.Attempts
	first := &want[0]
	first.Late = octaskly.Late{State: octaskly.Completed, Reason: "r", At: late.EndedAt}
	end := &first.End
	end.CPUTime, end.MaxRSS, end.Leftover, end.Output, end.Usage, end.Workspace = 5, 6, true, late.Output, late.Usage, "/kept"
	got, err := s.Attempts(t.Context(), 1, 0)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if inline, stored, err := s.Output(t.Context(), first.ID); string(inline) != "abc" || stored != 3 || err != nil {
		t.Errorf("output %q of %d, %v", inline, stored, err)
	}
	if _, _, err := s.Output(t.Context(), octaskly.AttemptID{Job: 1, Number: 4}); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("an attempt that was not there: %v", err)
	}
}

// A removed worker is gone, whenever its row was written.
func TestRemoved(t *testing.T) {
	s := openTemp(t)
	workers := []octaskly.Worker{{ID: "a", Name: "a", Drain: &octaskly.Drain{By: "me"}}, {ID: "b", Name: "b", Left: true}}
	put(t, s, &Changes{Workers: workers})
	put(t, s, &Changes{Workers: workers[:1], Removed: []octaskly.WorkerID{"a", "c"}})
	snapshot, err := s.Load(t.Context())
	if diff := cmp.Diff(workers[1:], snapshot.Workers); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
