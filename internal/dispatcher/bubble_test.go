package dispatcher

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// inBubble runs f with a dispatcher whose clock stands still but for sleeps. It
// has no socket.
func inBubble(t *testing.T, f func(*live)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := &live{t: t, log: &journal{}}
		log := slog.New(slog.NewTextHandler(l.log, nil))
		s, err := store.Open(t.Context(), filepath.Join(dir, "octaskly.db"), log)
		l.check(err)
		l.d, err = New(Config{Dir: dir, MaxQueued: 1000, Lease: time.Minute, MaxOutput: 1 << 20, Log: log}, s)
		l.check(err)
		ctx, stop := context.WithCancel(context.Background())
		ready := make(chan struct{})
		var parts sync.WaitGroup
		parts.Go(func() {
			if err := l.d.Run(ctx, nobody{}, func() { close(ready) }); err != nil {
				t.Error(err)
			}
		})
		<-ready
		f(l)
		stop()
		parts.Wait()
		l.check(s.Close())
	})
}

// accept submits a job without the API.
func (l *live) accept(spec octaskly.Spec) octaskly.TaskID {
	l.t.Helper()
	spec.Argv = []string{"true"}
	id, _, err := l.d.Submit(l.t.Context(), api.Caller{Name: "me"}, &api.Order{Job: octaskly.Job{Elements: octaskly.Span(0, 0)}, Spec: spec})
	l.check(err)
	return octaskly.TaskID{Job: id}
}

// page is what show has.
func (l *live) page(id octaskly.TaskID) *api.Detail {
	l.t.Helper()
	detail, err := l.d.Show(l.t.Context(), api.Caller{Name: "me"}, id)
	l.check(err)
	return detail
}

// slack is how late the core may see that a time has come.
const slack = 2 * maxTick

var levelNone = octaskly.LevelNone.Feature()

// A lease runs in full, and no longer, from the end of the session.
func TestLeaseTime(t *testing.T) {
	inBubble(t, func(l *live) {
		h := l.join("w", levelNone)
		id := l.accept(octaskly.Spec{})
		h.task()
		h.leave(false)
		time.Sleep(time.Minute - time.Millisecond)
		if d := l.page(id); d.State != octaskly.Running {
			l.t.Fatalf("before its end: %v", d.State)
		}
		time.Sleep(slack)
		if d := l.page(id); d.State != octaskly.Queued || d.Attempts[0].LostAt == nil {
			l.t.Fatalf("after its end: %v, %+v", d.State, d.Attempts)
		}
	})
}

// A retry waits for its backoff, less a quarter at most.
func TestBackoffTime(t *testing.T) {
	inBubble(t, func(l *live) {
		h := l.join("w", levelNone)
		id := l.accept(octaskly.Spec{Retries: 2, Backoff: 10 * time.Minute})
		for _, backoff := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
			h.end(h.task(), octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExit(1)})
			time.Sleep(backoff * 3 / 4)
			if d := l.page(id); d.State != octaskly.Queued || d.Waits != "its time has not come" && d.NotBefore.After(time.Now()) {
				l.t.Fatalf("too soon: %v, %s", d.State, d.Waits)
			}
			time.Sleep(backoff/4 + slack)
			if d := l.page(id); d.State != octaskly.Assigned {
				l.t.Fatalf("too late: %v, %s", d.State, d.Waits)
			}
		}
	})
}

// What a drained worker runs is stopped at the deadline, also when it has passed
// while the worker or the dispatcher was away.
func TestDrainTime(t *testing.T) {
	for _, away := range []string{"", "worker", "dispatcher"} {
		inBubble(t, func(l *live) {
			h := l.join("w", levelNone)
			l.accept(octaskly.Spec{})
			id := h.task()
			_, err := l.d.Drain(l.t.Context(), api.Caller{Name: "me"}, "w", api.DrainRequest{Deadline: new(api.Seconds(30 * time.Second))})
			l.check(err)
			time.Sleep(30*time.Second - time.Millisecond)
			if stops := h.stops(); len(stops) > 0 {
				l.t.Fatalf("%s: stopped before the deadline", away)
			}
			switch away {
			case "":
				time.Sleep(slack)
			case "worker":
				h.leave(false)
				time.Sleep(slack)
				h = l.joinHolding(h, id)
			case "dispatcher":
				time.Sleep(slack)
				c, err := l.d.load(l.t.Context())
				l.check(err)
				if w := c.workers[workerID("w")]; !w.expired(time.Now()) || w.Drain == nil || len(w.held) != 1 {
					l.t.Fatalf("after a restart: drained %v, expired %v, holds %d", w.Drain, w.expired(time.Now()), len(w.held))
				}
				return
			}
			if stops := h.stops(); len(stops) != 1 || stops[0] != id {
				l.t.Fatalf("%s: %v are stopped", away, stops)
			}
			time.Sleep(10 * time.Second)
			if stops := h.stops(); len(stops) < 9 || len(stops) > 11 {
				l.t.Fatalf("%s: it is told %d times in 10 s", away, len(stops))
			}
		})
	}
}

// What waits in memory waits by the monotonic clock, so that a jump of the one on
// the wall changes nothing.
func TestWaitsAreMonotonic(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	h := l.join("w", levelNone)
	_, err := l.submit(func(s *api.Submission) { s.Retries, s.Backoff = 1, new(api.Seconds(time.Hour)) })
	l.check(err)
	h.end(h.task(), octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExit(1)})
	_, err = l.d.Drain(t.Context(), api.Caller{Name: "me"}, "w", api.DrainRequest{Deadline: new(api.Seconds(time.Hour))})
	l.check(err)
	h.leave(false)
	l.inCore(func(c *core) {
		w := c.workers[workerID("w")]
		c.linger()
		for what, at := range map[string]time.Time{"lease": w.leaseEnd, "drain": w.drainEnd, "backoff": c.delayed.tasks[0].dueAt, "linger": c.batch.by} {
			if !strings.Contains(at.String(), " m=") {
				t.Errorf("%s: %v", what, at)
			}
		}
		c.batch.by = time.Time{}
	})
}

// A retry that was stored when the clock was a day ahead does not wait for a day.
func TestBackoffIsBounded(t *testing.T) {
	var d delays
	at := time.Now()
	for _, spec := range []*octaskly.Spec{{Backoff: time.Minute}, nil} {
		j := &job{spec: spec}
		d.push(&task{Task: octaskly.Task{Failures: 2, NotBefore: at.Add(24 * time.Hour)}, job: j}, at)
	}
	d.push(&task{Task: octaskly.Task{Failures: 1, NotBefore: at.Add(-24 * time.Hour)}, job: &job{spec: &octaskly.Spec{Backoff: time.Minute}}}, at)
	for _, want := range []time.Duration{-24 * time.Hour, 2 * time.Minute, 24 * time.Hour} {
		if due, ok := d.next(); !ok || due.Sub(at) != want || d.pop(due) == nil {
			t.Errorf("due in %v, want %v", due.Sub(at), want)
		}
	}
}
