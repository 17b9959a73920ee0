package dispatcher

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func using(id octaskly.AttemptID, u octaskly.Usage) *protocol.FromWorker {
	return &protocol.FromWorker{Pong: 1, Usage: []protocol.Usage{{ID: id, Usage: u}}}
}

// auditUsage finds what is known of attempts that are over or out of sight.
func (w *world) auditUsage() {
	w.t.Helper()
	for _, j := range w.c.jobs {
		for _, t := range j.live {
			if t.usage != nil && (!withWorker(t.State) || w.c.workers[t.Worker].session == nil) {
				w.t.Fatalf("task %v of job %v is %v, without its worker, and uses something", t.Index, j.ID, t.State)
			}
		}
	}
}

// last is the latest attempt that show has.
func (l *live) last(id octaskly.TaskID) api.Attempt {
	l.t.Helper()
	attempts := l.show(id).Attempts
	return attempts[len(attempts)-1]
}

func TestUsage(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	w := l.join("w", octaskly.LevelNone.Feature())
	task, err := l.submit(func(s *api.Submission) { s.Retries, s.Backoff = 1, new(api.Seconds) })
	l.check(err)
	id := w.task()
	if a := l.last(task); a.Usage != nil || a.CPUTime != 0 {
		t.Errorf("nothing is known yet: %+v", a)
	}
	w.say(using(id, octaskly.Usage{CPUTime: time.Second, Memory: 1 << 20}))
	w.say(using(id, octaskly.Usage{CPUTime: 2 * time.Second, Memory: 1 << 21, MemoryPeak: 1 << 22, Processes: 2, ProcessesPeak: 3, Read: 4, Written: 5, Disk: 6, DiskPeak: 7}))
	want := &api.Usage{CPUTime: api.Seconds(2 * time.Second), Memory: 1 << 21, MemoryPeak: 1 << 22, Processes: 2, ProcessesPeak: 3, Read: 4, Written: 5, Disk: 6, DiskPeak: 7}
	a := l.last(task)
	if diff := cmp.Diff(want, a.Usage); diff != "" || a.CPUTime != want.CPUTime {
		t.Errorf("%+v\n%s", a, diff)
	}
	for _, other := range []octaskly.AttemptID{{Job: 1, Number: 2}, {Job: 2, Number: 1}, {Job: 1, Index: 1, Number: 1}} {
		w.say(using(other, octaskly.Usage{Memory: 99}))
	}
	if diff := cmp.Diff(want, l.last(task).Usage); diff != "" {
		t.Errorf("what others use: %s", diff)
	}
	w.leave(false)
	if a := l.last(task); a.Usage != nil {
		t.Errorf("its worker is away: %+v", a.Usage)
	}
	w = l.join("w", octaskly.LevelNone.Feature()) // without the attempt, which is lost
	next := w.task()
	if a := l.last(task); a.Usage != nil || next.Number != 2 {
		t.Errorf("attempt %v has used nothing yet: %+v", next, a.Usage)
	}
	w.say(using(next, octaskly.Usage{Memory: 1}))
	w.say(using(id, octaskly.Usage{Memory: 2}))
	if a := l.last(task); a.Usage == nil || a.Usage.Memory != 1 {
		t.Errorf("an attempt that is given up still counts: %+v", a.Usage)
	}
	w.end(next, octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExit(1)})
	third := w.task()
	if a := l.last(task); a.Usage != nil || a.Number != third.Number {
		t.Errorf("the next attempt begins with what the last has used: %+v", a)
	}
}

// What an attempt has used, what limit ended it and what is left of it is in its
// record.
func TestEndIsShown(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	w := l.join("w", octaskly.LevelNone.Feature())
	for name, test := range map[string]struct {
		end  octaskly.End
		want api.Attempt
	}{
		"memory": {
			octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonOOM, CPUTime: time.Second, Limit: 1 << 30, Peak: 1<<30 - 4096, Workspace: "/kept/1.1",
				Usage: octaskly.Usage{CPUTime: 3 * time.Second, Memory: 5, MemoryPeak: 1<<30 - 4096, Processes: 1, ProcessesPeak: 9, Read: 1, Written: 2, Disk: 3, DiskPeak: 4}},
			api.Attempt{CPUTime: api.Seconds(3 * time.Second), Limit: 1 << 30, Peak: 1<<30 - 4096, Workspace: "/kept/1.1",
				Usage: &api.Usage{CPUTime: api.Seconds(3 * time.Second), MemoryPeak: 1<<30 - 4096, ProcessesPeak: 9, Read: 1, Written: 2, DiskPeak: 4}},
		},
		"processor time": {
			octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonCPUTime, CPUTime: time.Second, Limit: int64(1500 * time.Millisecond), Peak: int64(1600 * time.Millisecond)},
			api.Attempt{CPUTime: api.Seconds(time.Second), Limit: 1.5, Peak: 1.6},
		},
		"time": {
			octaskly.End{State: octaskly.TimedOut, Reason: octaskly.ReasonTimeout, Limit: int64(time.Minute), Peak: int64(time.Minute)},
			api.Attempt{Limit: 60, Peak: 60},
		},
		"nothing measured": {octaskly.End{State: octaskly.Completed}, api.Attempt{}},
		"nonsense": {
			octaskly.End{State: octaskly.Completed, CPUTime: -1, Limit: -1, Peak: math.MinInt64, Usage: octaskly.Usage{CPUTime: -5, Read: -1, Written: math.MaxInt64}},
			api.Attempt{Usage: &api.Usage{Written: maxBytes}},
		},
	} {
		task, err := l.submit(func(*api.Submission) {})
		l.check(err)
		w.end(w.task(), test.end)
		got := l.last(task)
		got = api.Attempt{CPUTime: got.CPUTime, Usage: got.Usage, Limit: got.Limit, Peak: got.Peak, Workspace: got.Workspace}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBatchIsChecked(t *testing.T) {
	id := octaskly.AttemptID{Job: 1, Number: 1}
	end := func(workspace string) *protocol.FromWorker {
		return &protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: octaskly.End{State: octaskly.Completed, Workspace: workspace}}}}
	}
	for why, batch := range map[string]*protocol.FromWorker{
		"":                            end("/var/lib/octaskly/kept/1.1"),
		"its workspace is no path":    end("kept/1.1"),
		"workspace is no path":        end("/kept\x1b[2J"),
		"is no path":                  end("/" + strings.Repeat("k", maxPath)),
		"4097 attempts use something": {Usage: make([]protocol.Usage, maxSlots+1)},
	} {
		err := checkBatch(batch)
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %s", err, why)
		}
	}
	batch := using(id, octaskly.Usage{CPUTime: -1, Memory: -2, DiskPeak: math.MaxInt64})
	if err := checkBatch(batch); err != nil || batch.Usage[0].Usage != (octaskly.Usage{DiskPeak: maxBytes}) {
		t.Errorf("%+v, %v", batch.Usage[0], err)
	}
}
