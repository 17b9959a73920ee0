package dispatcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func (l *live) why(id octaskly.TaskID) *api.Why {
	l.t.Helper()
	why, err := l.Why(l.t.Context(), id)
	l.check(err)
	return why
}

// kinds are what keeps a task from each group of workers, as "a,b slots used:cpu".
func kinds(why *api.Why) (list []string) {
	for _, g := range why.Workers {
		text := strings.Join(g.Names, ",")
		for _, b := range g.Blockers {
			text += " " + strings.TrimSuffix(b.Why+":"+b.Of, ":")
		}
		list = append(list, text)
	}
	return list
}

func holdsOf(why *api.Why) (list []string) {
	for _, h := range why.Holds {
		list = append(list, fmt.Sprintf("%s %d/%d", h.Why, h.Has, h.Most))
	}
	return list
}

// with is a worker of so much room.
func (l *live) with(name string, slots int, cpus float64, features ...string) *hand {
	hello := l.hello(name, slots)
	hello.Room = octaskly.Room{octaskly.CPU: int64(cpus * 1000), octaskly.Memory: 8 << 30}
	hello.Features = append(hello.Features, features...)
	hello.Checks = []octaskly.Check{{Subject: "level:strict", Name: "userns", Why: "user namespaces are off"}}
	return l.joinAs(hello)
}

func nothing(*api.Submission) {}

func cpus(n float64) func(*api.Submission) { return func(s *api.Submission) { s.CPUs = n } }

// mustSubmit is submit of what is accepted.
func (l *live) mustSubmit(edit func(*api.Submission)) octaskly.TaskID {
	l.t.Helper()
	id, err := l.submit(edit)
	l.check(err)
	return id
}

func TestWhyWaits(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	id := l.mustSubmit(nothing)
	if why := l.why(id); why.Text != "Task 1 is queued. Nothing in the queue is before it. There is no worker; systemctl enable --now octasklyd-worker makes a machine one." || why.Ahead == nil || len(why.Workers) != 0 {
		t.Errorf("without workers: %+v", why)
	}
	big := l.with("big", 1, 4)
	first := big.task()
	l.with("small", 1, 2)
	l.mustSubmit(cpus(1)) // takes small's only slot
	awaits := l.mustSubmit(cpus(4))
	strict := l.mustSubmit(func(s *api.Submission) { s.Sandbox = "strict" })
	huge := l.mustSubmit(cpus(8))
	few := l.mustSubmit(cpus(3))
	for _, tt := range []struct {
		id   octaskly.TaskID
		want []string
		says []string
	}{
		{awaits, []string{"big slots", "small small:cpu slots used:cpu"},
			[]string{"Worker big has no free slot (1 of 1 are taken)", "worker small offers 2 cpus in all, and it asks for 4 cpus.", "It starts as soon as there is room on worker big."}},
		{strict, []string{"small lacks:level:strict slots", "big lacks:level:strict slots"}, []string{"worker small does not offer level strict (self-test userns: user namespaces are off)", "It waits until a worker joins that can run it."}},
		{huge, nil, []string{"offers 4 cpus in all, and it asks for 8 cpus", "Before it in the queue are 2 tasks."}},
		{few, nil, []string{"is kept free for task 3, which came before and asks for more"}},
	} {
		why := l.why(tt.id)
		got := kinds(why)
		if tt.want != nil && len(got) != len(tt.want) {
			t.Errorf("%v: %q, want %q", tt.id, got, tt.want)
		}
		for _, say := range tt.says {
			if !strings.Contains(strings.ToLower(why.Text), strings.ToLower(say)) {
				t.Errorf("%v says %q, want %q", tt.id, why.Text, say)
			}
		}
	}
	big.end(first, octaskly.End{State: octaskly.Completed})
	if why := l.why(octaskly.TaskID{Job: 1}); why.End == nil || why.State != octaskly.Completed || why.End.Worker != "big" || !strings.HasPrefix(why.Text, "Task 1 completed on worker big") {
		t.Errorf("the first is over: %+v", why)
	}
}

func TestWhyIsHeldUp(t *testing.T) {
	l := goLive(t, octaskly.Policy{}, func(d *Dispatcher) {
		d.Quota = func(string) octaskly.Quota { return octaskly.Quota{Running: 3} }
	})
	w := l.with("w", 9, 9)
	array := l.mustSubmit(func(s *api.Submission) { s.Array, s.AtOnce = "0-9", 2 })
	w.task()
	last := octaskly.TaskID{Job: array.Job, Index: 9, Array: true}
	why := l.why(last)
	if got := holdsOf(why); !slices.Equal(got, []string{"at-once 2/2"}) || why.Ahead.Tasks != 7 || why.Ahead.Jobs != 0 {
		t.Errorf("%v is held up by %q, ahead of it are %+v", last, got, why.Ahead)
	}
	if why := l.why(array); !strings.Contains(why.Text, "of 10 tasks 0 have ended, 2 are with workers and 8 wait.") || !strings.Contains(why.Text, "2 of 2, by %2 in --array") {
		t.Errorf("the array: %s", why.Text)
	}
	l.mustSubmit(nothing)
	other := l.mustSubmit(nothing)
	if got := holdsOf(l.why(other)); !slices.Equal(got, []string{"quota 3/3"}) {
		t.Errorf("%v is held up by %q", other, got)
	}
	stats, err := l.Stats(t.Context())
	l.check(err)
	if got, want := fmt.Sprint(stats.Waiting), "[{at-once  8} {quota  1}]"; got != want {
		t.Errorf("stats: %s, want %s", got, want)
	}
	if waits := l.show(other).Waits; !strings.Contains(waits, `the quota "running"`) {
		t.Errorf("show: %s", waits)
	}
}

func TestWhyOfAttempts(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	w := l.with("w", 2, 2)
	id := l.mustSubmit(func(s *api.Submission) {
		s.Retries, s.Backoff, s.Timeout = 1, new(api.Seconds(time.Hour)), new(api.Seconds(time.Minute))
	})
	attempt := w.task()
	why := l.why(id)
	if why.State != octaskly.Running || why.With == nil || why.With.Worker != "w" || why.With.EndsBy == nil || !strings.Contains(why.Text, "Its wall time ends") || why.Workers != nil {
		t.Errorf("it runs: %+v", why)
	}
	w.say(&protocol.FromWorker{Usage: []protocol.Usage{{ID: attempt, Usage: octaskly.Usage{Memory: 1 << 20}}}})
	if why := l.why(id); why.With.Usage == nil || !strings.Contains(why.Text, "It uses 1 MiB memory") {
		t.Errorf("it uses: %+v", why)
	}
	w.end(attempt, octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExit(3)})
	why = l.why(id)
	if got := holdsOf(why); !slices.Equal(got, []string{"backoff 0/0"}) || why.Ahead != nil || why.Holds[0].Until == nil {
		t.Errorf("after a failure: %+v", why)
	}
	for _, say := range []string{"Task 1 is queued once more, after attempt 1 on worker w: its command exited with code 3; it has failed 1 of 2 times allowed.", "Its next attempt is not before "} {
		if !strings.Contains(why.Text, say) {
			t.Errorf("after a failure: %s", why.Text)
		}
	}
	stats, err := l.Stats(t.Context())
	l.check(err)
	if got := fmt.Sprint(stats.Waiting); got != "[{backoff  1}]" {
		t.Errorf("stats: %s", got)
	}
	oom := l.mustSubmit(nothing)
	w.end(w.task(), octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonOOM, Limit: 2 << 30, Peak: 3 << 30})
	why = l.why(oom)
	if e := why.End; e == nil || e.Flag != "--memory" || e.Limit != 2<<30 || e.Peak != 3<<30 || e.Exit == nil || e.Attempts != 1 {
		t.Errorf("out of memory: %+v", why.End)
	}
	if !strings.Contains(why.Text, "it reached its limit of 2 GiB memory (peak 3 GiB); --memory raises it.") || !strings.Contains(why.Text, "octasklyctl retry 2 runs it once more.") {
		t.Errorf("out of memory: %s", why.Text)
	}
}

func TestWhyOfSilence(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	w := l.with("w", 1, 2)
	id := l.mustSubmit(func(s *api.Submission) { s.AtMostOne = false })
	w.task()
	waits := l.mustSubmit(nothing)
	w.leave(false)
	why := l.why(id)
	if why.With == nil || why.With.State != "away" || why.With.GivenUp == nil || !strings.Contains(why.Text, "Its worker has been out of touch for ") {
		t.Errorf("it runs on a silent worker: %+v", why)
	}
	if got := kinds(l.why(waits)); !slices.Equal(got, []string{"w away"}) {
		t.Errorf("kept from it by %q", got)
	}
	l.with("gone", 1, 2).leave(true)
	_, err := l.Drain(t.Context(), "w", api.DrainRequest{Reason: "disk"})
	l.check(err)
	if got := kinds(l.why(waits)); !slices.Equal(got, []string{"w away drained", "gone left"}) {
		t.Errorf("kept from it by %q", got)
	}
}

// A thousand workers are a few groups, and a short paragraph.
func TestWhyOfAThousandWorkers(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	l.inCore(func(c *core) {
		for i := range 1000 {
			w := c.known(octaskly.WorkerID(fmt.Sprintf("%016d", i)))
			w.Name = fmt.Sprintf("w%03d", i)
			w.session = &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}
			w.Room = octaskly.Room{octaskly.CPU: int64(i)}
			w.sched.Slots, w.sched.Room = 1, w.Room
			w.Features = []string{fmt.Sprintf("level:%d", i)}
			w.sched.Features = w.Features
			if i%2 == 0 {
				w.sched.Features = append(w.sched.Features, levelNone)
			}
		}
	})
	id := l.mustSubmit(cpus(2))
	why := l.why(id)
	if len(why.Workers) != 2 || why.Workers[0].Count+why.Workers[1].Count != 1000 || len(why.Workers[0].Names) > maxGroupNames || len(why.Text) > 600 {
		text, _ := json.Marshal(why)
		t.Errorf("%s", text)
	}
	if !strings.Contains(why.Text, "offer at most 0.998 cpus in all, and it asks for 2 cpus") {
		t.Errorf("%s", why.Text)
	}
	l.inCore(func(c *core) { clear(c.workers) })
}

func TestGroupsAreBounded(t *testing.T) {
	var all []apart
	for i := range 50 {
		all = append(all, apart{fmt.Sprintf("w%02d", i), []api.WhyBlocker{{Why: "lacks", Of: fmt.Sprint(i)}}})
	}
	groups := grouped(all)
	if len(groups) != maxGroups || groups[maxGroups-1].Count != 50-maxGroups+1 || groups[maxGroups-1].Blockers[0].Why != "other" {
		t.Errorf("%d groups, the last is %+v", len(groups), groups[len(groups)-1])
	}
	if total := grouped(nil); len(total) != 0 {
		t.Errorf("of nobody: %+v", total)
	}
}

// What must not run twice waits for a lease after a database was restored.
func TestWhyItMustRunAlone(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	l.with("w", 1, 1, octaskly.AtMostOne)
	l.inCore(func(c *core) {
		c.aloneAt = time.Now().Add(time.Hour)
		c.refresh()
	})
	why := l.why(l.mustSubmit(func(s *api.Submission) { s.AtMostOne = true }))
	if got := holdsOf(why); !slices.Equal(got, []string{"alone 0/0"}) || why.Holds[0].Until == nil || !slices.Equal(kinds(why), []string{"w alone"}) {
		t.Errorf("held up by %q, kept from %q", got, kinds(why))
	}
	if !strings.Contains(why.Text, "workers of an earlier database may yet run it until ") {
		t.Error(why.Text)
	}
}

// Why is for who may see the task.
func TestWhyIsForItsOwner(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	id := l.mustSubmit(nothing)
	if _, err := l.d.Why(t.Context(), api.Caller{Name: "eve"}, id); !errors.Is(err, octaskly.ErrDenied) {
		t.Errorf("eve is told: %v", err)
	}
	if _, err := l.Why(t.Context(), octaskly.TaskID{Job: id.Job, Index: 7, Array: true}); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("an element that is not there: %v", err)
	}
}

// A figure of what a worker uses is as of its latest words.
func TestWorkerUses(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	w := l.with("w", 2, 4)
	l.mustSubmit(cpus(1.5))
	id := w.task()
	for n := range 2 {
		w.say(&protocol.FromWorker{Usage: []protocol.Usage{{ID: id, Usage: octaskly.Usage{CPUTime: time.Duration(n) * time.Hour, Memory: int64(n+1) << 20}}}})
	}
	got, err := l.Worker(t.Context(), "w")
	l.check(err)
	if got.MemoryUsed != 2<<20 || got.CPUsUsed <= 0 || got.CPUsReserved != 1.5 || got.MemoryReserved != 0 {
		t.Errorf("%+v", got)
	}
	w.end(id, octaskly.End{State: octaskly.Completed})
	if got, err = l.Worker(t.Context(), "w"); err != nil || got.MemoryUsed != 0 || got.CPUsUsed != 0 || got.CPUsReserved != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
