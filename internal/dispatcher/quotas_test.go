package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// sums are what Store.Waiting has said.
type sums struct {
	found map[string]int64
	seq   int64
}

// countWaiting plays who has the store count what waits. What it has found may lie
// about for a while.
func (w *world) countWaiting() {
	w.t.Helper()
	switch {
	case w.sums != nil:
		w.c.owners.know(w.sums.found, w.sums.seq)
		w.sums = nil
	case w.c.owners.counting:
		found, seq, err := w.store.Waiting(context.Background())
		w.check(err)
		w.sums = &sums{found, seq}
	}
}

// auditOwners compares what is known of owners with the store.
func (w *world) auditOwners() {
	w.t.Helper()
	if !w.c.owners.exact {
		return
	}
	found, _, err := w.store.Waiting(context.Background())
	w.check(err)
	for _, name := range []string{"me", "you"} {
		if got := w.c.owners.of(name).waiting; got != found[name] {
			w.t.Fatalf("%d of %s's tasks wait, counted are %d", found[name], name, got)
		}
	}
}

// quotas are what a test gives to users.
type quotas struct {
	mu     sync.Mutex
	byUser map[string]octaskly.Quota
}

func (q *quotas) set(user string, quota octaskly.Quota) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byUser == nil {
		q.byUser = map[string]octaskly.Quota{}
	}
	q.byUser[user] = quota
}

func (q *quotas) get(user string) octaskly.Quota {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.byUser[user]
}

// submitAs submits n tasks of somebody's.
func (l *live) submitAs(user string, n int64, edit ...func(*api.Order)) (octaskly.JobID, error) {
	o := &api.Order{Job: octaskly.Job{Elements: octaskly.Span(0, n-1), Array: n > 1}, Spec: octaskly.Spec{Argv: []string{"true"}}}
	for _, e := range edit {
		e(o)
	}
	id, _, err := l.d.Submit(l.t.Context(), api.Caller{Name: user}, o)
	return id, err
}

func wantFull(t testing.TB, err error, words string) {
	t.Helper()
	if !errors.Is(err, octaskly.ErrFull) || !strings.Contains(err.Error(), words) {
		t.Errorf("%v, want: %s", err, words)
	}
}

func TestQueuedQuota(t *testing.T) {
	q := &quotas{}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota = q.get })
	submit := func(user string, n int64) error {
		_, err := l.submitAs(user, n)
		return err
	}
	l.check(submit("ann", 3)) // before anybody has a quota
	q.set("ann", octaskly.Quota{Queued: 5})
	wantFull(t, submit("ann", 3), `cannot queue 3 more tasks: 3 of yours wait, and 5 may, the quota "queued" of user ann; wait until some have started, cancel some, or have an admin raise it`)
	l.check(submit("ann", 2))
	wantFull(t, submit("ann", 1), "5 of yours wait")
	l.check(submit("bob", 100)) // who has none
	q.set("bob", octaskly.Quota{Queued: -1})
	l.check(submit("bob", 100))
	h := l.join("w", levelNone) // takes two of ann's
	h.task()
	l.check(submit("ann", 2))
	wantFull(t, submit("ann", 1), "5 of yours wait")
	if _, err := l.d.Cancel(t.Context(), api.Caller{Name: "ann"}, api.Selection{Jobs: octaskly.Span(2, 2)}, ""); err != nil {
		t.Fatal(err)
	}
	l.check(submit("ann", 2))
	wantFull(t, submit("ann", 1), "5 of yours wait")
}

// A key finds its job although there is no room for another.
func TestQuotaAndKey(t *testing.T) {
	q := &quotas{}
	q.set("ann", octaskly.Quota{Queued: 1, Rate: 0.01})
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota = q.get })
	keyed := func(o *api.Order) { o.Job.Key = "k" }
	first, err := l.submitAs("ann", 1, keyed)
	l.check(err)
	again, err := l.submitAs("ann", 1, keyed)
	if err != nil || again != first {
		t.Errorf("%v, %v", again, err)
	}
}

// What waits is counted once, exactly, while many submit and things happen.
func TestQueuedQuotaIsExact(t *testing.T) {
	q := &quotas{}
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota, d.window = q.get, smallWindow })
	for range 30 {
		_, err := l.submitAs("ann", 2)
		l.check(err)
	}
	q.set("ann", octaskly.Quota{Queued: 100})
	var group sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 60 {
		group.Go(func() {
			_, err := l.submitAs("ann", 1)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				accepted++
			} else if !errors.Is(err, octaskly.ErrFull) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if accepted != 40 {
		t.Errorf("%d were accepted, 40 may be", accepted)
	}
}

// After a reload everything is counted anew.
func TestQuotaAfterRestart(t *testing.T) {
	q := &quotas{}
	q.set("ann", octaskly.Quota{Queued: 3})
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota = q.get })
	_, err := l.submitAs("ann", 2)
	l.check(err)
	l.inCore(func(c *core) {
		fresh, err := l.d.load(context.Background())
		l.check(err)
		batch := c.batch
		*c = *fresh
		c.batch = batch
	})
	_, err = l.submitAs("ann", 2)
	wantFull(t, err, "2 of yours wait, and 3 may")
	_, err = l.submitAs("ann", 1)
	l.check(err)
}

func TestRateQuota(t *testing.T) {
	inBubble(t, func(l *live) {
		q := &quotas{}
		l.inCore(func(c *core) { c.Quota = q.get })
		q.set("ann", octaskly.Quota{Rate: 0.5})
		submit := func() error {
			_, err := l.submitAs("ann", 1)
			return err
		}
		for range 5 { // ten seconds' worth
			l.check(submit())
		}
		soon, ok := errors.AsType[*api.TooSoon](submit())
		if !ok || soon.After != 2*time.Second || soon.Why != `cannot accept another submission yet: user ann may make 0.5 a second, the quota "submits_per_second"; try again in 2s, or submit one array of many tasks` {
			l.t.Fatalf("%+v", soon)
		}
		wantFull(l.t, submit(), "try again")
		time.Sleep(2 * time.Second)
		l.check(submit())
		wantFull(l.t, submit(), "try again")
		_, err := l.submitAs("bob", 1)
		l.check(err)
		time.Sleep(time.Hour)
		for range 5 {
			l.check(submit())
		}
		wantFull(l.t, submit(), "try again")
		q.set("ann", octaskly.Quota{Rate: 100})
		time.Sleep(20 * time.Millisecond)
		l.check(submit())
	})
}

// Who has with workers what he may waits, and says so; others do not wait for him.
func TestRunningQuota(t *testing.T) {
	inBubble(t, func(l *live) {
		q := &quotas{}
		q.set("ann", octaskly.Quota{Running: 1})
		l.inCore(func(c *core) {
			c.Quota = q.get
			c.limit()
		})
		h := l.joinAs(l.hello("w", 3))
		job, err := l.submitAs("ann", 3)
		l.check(err)
		first := h.task()
		waits := func() string {
			d, err := l.d.Show(l.t.Context(), api.Caller{Name: "ann"}, octaskly.TaskID{Job: job, Index: 2, Array: true})
			l.check(err)
			return d.Waits
		}
		if got := waits(); got != `as many tasks of user ann are with workers as may at once: 1, the quota "running"` {
			l.t.Errorf("it waits: %s", got)
		}
		other, err := l.submitAs("bob", 1)
		l.check(err)
		if id := h.task(); id.Job != other {
			l.t.Errorf("%v runs, want %v", id, other)
		}
		h.end(first, octaskly.End{State: octaskly.Completed})
		if id := h.task(); id.Job != job || id.Index != 1 {
			l.t.Errorf("%v runs", id)
		}
		q.set("ann", octaskly.Quota{Running: 2})
		time.Sleep(slack)
		if id := h.task(); id.Job != job || id.Index != 2 {
			l.t.Errorf("%v runs", id)
		}
	})
}

// Behind 20 jobs of one who may not run more, and most of them on disk, another's is
// found.
func TestRunningQuotaStarvesNobody(t *testing.T) {
	q := &quotas{}
	q.set("ann", octaskly.Quota{Running: 1})
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) { d.Quota, d.window = q.get, smallWindow })
	for range 20 {
		_, err := l.submitAs("ann", 1)
		l.check(err)
	}
	job, err := l.submitAs("bob", 1)
	l.check(err)
	h := l.join("w", levelNone)
	for range 2 {
		if h.task().Job == job {
			return
		}
	}
	t.Error("bob's does not run")
}

// What was sent ahead to a busy worker goes to an idle one though others wait,
// whom their quota keeps from it.
func TestHeldTasksDoNotHinderLevelling(t *testing.T) {
	inBubble(t, func(l *live) {
		q := &quotas{}
		q.set("ann", octaskly.Quota{Running: 2})
		l.inCore(func(c *core) {
			c.Quota = q.get
			c.limit()
		})
		h := l.joinAs(l.hello("w", 1))
		l.inCore(func(c *core) { h.s.worker.sched.Ahead = 5 })
		_, err := l.submitAs("ann", 3)
		l.check(err)
		running := h.task() // the second one waits behind it
		idle := l.joinAs(l.hello("v", 1))
		time.Sleep(patience + slack)
		frames, _ := h.s.take()
		var ids []octaskly.AttemptID
		for _, frame := range frames {
			ids = append(ids, frame.Recall...)
		}
		if len(ids) == 0 {
			l.t.Fatal("nothing is recalled")
		}
		if ids[0] == running {
			l.t.Error("what runs is recalled")
		}
		h.say(recalled(ids[0]))
		if got := idle.task(); got.Job != ids[0].Job || got.Index != ids[0].Index {
			l.t.Errorf("%v runs, want %v", got, ids[0])
		}
	})
}

func TestOwnersArePruned(t *testing.T) {
	o := owners{exact: true}
	for i := range 1000 {
		o.of(fmt.Sprint(i))
	}
	if len(o.byName) > 200 {
		t.Errorf("%d are known of whom there is nothing to know", len(o.byName))
	}
	busy := o.of("busy")
	busy.waiting = 1
	for i := range 1000 {
		o.of(fmt.Sprint(i))
	}
	if o.byName["busy"] != busy {
		t.Error("one who has something waiting is forgotten")
	}
}
