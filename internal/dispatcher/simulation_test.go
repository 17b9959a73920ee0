package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
)

// world drives a core by hand: its goroutine is the test.
type world struct {
	t       *rapid.T
	path    string
	store   *store.Store
	d       *Dispatcher
	c       *core
	workers []*fakeWorker
	total   map[octaskly.JobID]int64
	pages   pages
	records *records
	quota   octaskly.Quota // everybody's
	sums    *sums          // what the store has counted, on its way to the core
}

func newWorld(t *rapid.T, dir string) *world {
	w := &world{t: t, path: filepath.Join(dir, "octaskly.db"), total: map[octaskly.JobID]int64{}, records: newRecords(t)}
	w.quota = octaskly.Quota{Running: rapid.SampledFrom([]int64{-1, 0, 1, 3}).Draw(t, "running")}
	w.open()
	for i := range 3 {
		w.workers = append(w.workers, &fakeWorker{
			id:    octaskly.WorkerID(fmt.Sprintf("worker-%032d", i)),
			held:  map[octaskly.AttemptID]octaskly.State{},
			ended: map[octaskly.AttemptID]octaskly.State{},
		})
	}
	return w
}

func (w *world) open() {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(context.Background(), w.path, log)
	w.check(err)
	w.d, err = New(Config{Dir: filepath.Dir(w.path), MaxQueued: 1000, MaxLosses: simulatedLosses, Lease: time.Hour, MaxOutput: 1 << 20, Log: log}, book{s, w.records})
	w.check(err)
	w.d.window, w.pages, w.sums = smallWindow, pages{}, nil
	w.d.Quota = func(string) octaskly.Quota { return w.quota }
	w.c, err = w.d.load(context.Background())
	w.check(err)
	w.store = s
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// commit writes what there is, and delivers what that lets out.
func (w *world) commit() {
	w.t.Helper()
	w.place()
	if rapid.Bool().Draw(w.t, "read on") {
		w.pages.step(w)
	}
	w.check(w.c.commit(context.Background()))
	for _, f := range w.workers {
		if f.session != nil {
			frames, _ := f.session.take()
			for _, frame := range frames {
				w.deliver(f, frame)
			}
		}
	}
}

func (w *world) deliver(f *fakeWorker, frame *protocol.ToWorker) {
	for _, a := range frame.Assign {
		a.Elements.Each(func(i octaskly.Index) bool {
			id := octaskly.AttemptID{Job: a.Job, Index: i, Number: a.Attempt}
			if t, err := w.store.Task(context.Background(), id.Job, id.Index); err != nil || t.Attempt < id.Number {
				w.t.Fatalf("attempt %v was sent and is not on disk: %+v, %v", id, t, err)
			}
			if w.c.workers[f.id].Drain != nil && w.records.tasks[octaskly.TaskID{Job: id.Job, Index: id.Index}].AssignedAt.After(w.c.workers[f.id].Drain.At) {
				w.t.Fatalf("attempt %v was given to a drained worker", id)
			}
			f.held[id] = octaskly.Assigned
			return true
		})
	}
	for _, stop := range frame.Stop {
		if _, ok := f.held[stop.ID]; ok && !stop.Drop {
			f.ended[stop.ID] = octaskly.Cancelled
			w.report(f, stop.ID, octaskly.Cancelled)
		}
		delete(f.held, stop.ID)
	}
	for _, id := range frame.Recall {
		if f.held[id] == octaskly.Assigned {
			delete(f.held, id)
			w.giveBack(f, id)
		}
	}
	for _, fetch := range frame.Fetch {
		w.send(f, fetch)
	}
	for _, id := range frame.Ack {
		w.records.acknowledged(f, id)
		if t, err := w.store.Task(context.Background(), id.Job, id.Index); err == nil && t.Attempt == id.Number && withWorker(t.State) {
			w.t.Fatalf("the end of attempt %v was acknowledged and is not on disk", id)
		}
		delete(f.ended, id)
	}
}

func (w *world) submit() {
	n := rapid.Int64Range(1, 6).Draw(w.t, "tasks")
	w.quota.Queued = rapid.SampledFrom([]int64{0, 0, 1 << 40}).Draw(w.t, "queued")
	spec := &octaskly.Spec{Argv: []string{"true"}, Retries: rapid.IntRange(0, 1).Draw(w.t, "retries")}
	encoded, err := protocol.EncodeSpec(spec)
	w.check(err)
	job := octaskly.Job{Owner: rapid.SampledFrom([]string{"me", "you"}).Draw(w.t, "owner"), SpecVersion: 1, Spec: encoded, Elements: octaskly.Span(0, n-1), Array: n > 1,
		AtOnce: rapid.IntRange(0, 3).Draw(w.t, "at once")}
	w.c.submit(job, spec, nil, func(a accepted, err error) {
		if errors.Is(err, errUncounted) {
			return
		}
		w.check(err)
		if _, err := w.store.Job(context.Background(), a.id); err != nil {
			w.t.Fatalf("job %v was accepted and is not on disk: %v", a.id, err)
		}
		w.total[a.id] = n
	})
}

func (w *world) job() (octaskly.JobID, bool) {
	if len(w.total) == 0 {
		return 0, false
	}
	return octaskly.JobID(rapid.IntRange(1, len(w.total)).Draw(w.t, "job")), true
}

func (w *world) elements() octaskly.Ranges {
	if rapid.Bool().Draw(w.t, "all") {
		return nil
	}
	lo := rapid.Int64Range(0, 5).Draw(w.t, "lo")
	return octaskly.Span(lo, lo+2)
}

// crash throws memory away, and with it every session and what was not written.
func (w *world) crash() {
	w.store.Close()
	for _, f := range w.workers {
		f.session = nil
	}
	w.open()
}

// happenings are what a step may be, the frequent ones several times.
var happenings = strings.Fields(`submit submit connect connect connect work work work work work work work cancel retry
	part die lapse lapse lapse crash use page page count count count commit commit commit commit fleet fleet fleet fleet`)

func (w *world) step() {
	f := rapid.SampledFrom(w.workers).Draw(w.t, "worker")
	switch rapid.SampledFrom(happenings).Draw(w.t, "event") {
	case "submit":
		w.submit()
	case "connect":
		w.connect(f)
	case "work":
		w.work(f)
	case "cancel":
		if id, ok := w.job(); ok {
			if j := w.find(id); j != nil {
				_, err := w.c.cancel(j, w.elements(), "by test")
				w.check(err)
			}
		}
	case "retry":
		w.check(w.c.commit(context.Background()))
		if id, ok := w.job(); ok {
			_, err := w.c.retry(id, w.elements())
			w.check(err)
		}
	case "part":
		w.lose(f)
	case "lapse":
		w.lapse(f)
	case "die": // its executor
		clear(f.held)
		w.lose(f)
	case "crash":
		w.crash()
	case "use":
		for id := range f.held {
			if f.session != nil {
				w.c.hear(f.session, using(id, octaskly.Usage{Memory: 1}))
			}
		}
	case "page":
		w.pages.step(w)
	case "count":
		w.countWaiting()
	case "commit":
		w.commit()
	case "fleet":
		w.fleet(f)
	}
	w.inspect()
}

// audit compares memory with the store, and the store with itself.
func (w *world) audit() {
	w.t.Helper()
	for w.commit(); !w.c.batch.empty(); w.commit() {
	}
	live := int64(0)
	waiting, totals := int64(0), octaskly.Counts{}
	for id := octaskly.JobID(1); int(id) <= len(w.total); id++ {
		record, err := w.store.Job(context.Background(), id)
		w.check(err)
		rows, err := w.store.Tasks(context.Background(), id, nil, 0, 1000)
		w.check(err)
		var byState octaskly.Counts
		for _, row := range rows {
			byState[row.State]++
			if record.Progress.Unclaimed.Contains(row.Index) || record.Progress.Dropped.Contains(row.Index) {
				w.t.Fatalf("element %d of job %v has a row and is in a range: %+v", row.Index, id, record.Progress)
			}
		}
		counts := record.Progress.Count()
		if !counts.Over() {
			live++
		}
		switch known := w.c.jobs[id] != nil || w.rests(id); {
		case byState != record.Progress.Rows:
			w.t.Fatalf("job %v counts %v, its rows are %v", id, record.Progress.Rows, byState)
		case counts.Total() != w.total[id]:
			w.t.Fatalf("job %v has %d of %d tasks: %+v", id, counts.Total(), w.total[id], record.Progress)
		case counts.Over() == known || counts.Over() == record.Progress.EndedAt.IsZero():
			w.t.Fatalf("job %v: over %v, known %v, ended at %v", id, counts.Over(), known, record.Progress.EndedAt)
		}
		waiting += counts[octaskly.Queued]
		for _, s := range []octaskly.State{octaskly.Completed, octaskly.Failed, octaskly.TimedOut, octaskly.Cancelled} {
			totals[s] += counts[s]
		}
	}
	if waiting != w.c.waiting || totals != w.c.totals {
		w.t.Fatalf("%d wait, counted %d; ended %v, counted %v", waiting, w.c.waiting, totals, w.c.totals)
	}
	for _, worker := range w.c.workers {
		if worker.sched.Held != len(worker.held) {
			w.t.Fatalf("worker %s holds %d tasks, the scheduler counts %d", worker.ID, len(worker.held), worker.sched.Held)
		}
	}
	w.auditUsage()
	w.auditOwners()
	w.auditBacklog(live)
}

// settle lets everything end.
func (w *world) settle() {
	for _, f := range w.workers {
		w.connect(f)
		w.c.resumeWorker(w.c.workers[f.id])
	}
	for range 1000 {
		w.c.tick(time.Now().Add(time.Hour))
		w.commit()
		w.pages.settle(w)
		idle := true
		for _, f := range w.workers {
			for id := range f.held {
				idle = false
				delete(f.held, id)
				f.ended[id] = octaskly.Completed
				w.report(f, id, octaskly.Completed)
			}
		}
		if idle && w.c.live == 0 {
			return
		}
	}
	w.t.Fatalf("%d jobs are still there", w.c.live)
}

// Whatever workers, users and crashes do, in any order: what was accepted is on
// disk, counters follow from the rows, and in the end every task has ended.
func TestSimulation(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		run, err := os.MkdirTemp(dir, "run")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(run)
		w := newWorld(t, run)
		defer func() { w.store.Close() }()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.step()
		}
		w.audit()
		w.settle()
		w.audit()
		for _, f := range w.workers {
			if len(f.ended) > 0 {
				t.Fatalf("ends that were never acknowledged: %v", f.ended)
			}
		}
	})
}
