package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
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
}

// fakeWorker holds what it was sent, as a worker does.
type fakeWorker struct {
	id      octaskly.WorkerID
	session *session // nil: not connected
	held    map[octaskly.AttemptID]octaskly.State
	ended   map[octaskly.AttemptID]octaskly.State // not acknowledged
}

// deadLink is a link that is used for its address only.
type deadLink struct{ transport.Session }

func (deadLink) Peer() string { return "192.0.2.1:7" }

func newWorld(t *rapid.T, dir string) *world {
	w := &world{t: t, path: filepath.Join(dir, "octaskly.db"), total: map[octaskly.JobID]int64{}}
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
	w.d, err = New(Config{Dir: filepath.Dir(w.path), MaxQueued: 1000, Lease: time.Hour, MaxOutput: 1 << 20, Log: log}, s)
	w.check(err)
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
	w.c.schedule(time.Now())
	w.check(w.c.err)
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
			w.c.hear(f.session, &protocol.FromWorker{Recalled: []octaskly.AttemptID{id}})
		}
	}
	for _, id := range frame.Ack {
		if t, err := w.store.Task(context.Background(), id.Job, id.Index); err == nil && t.Attempt == id.Number && withWorker(t.State) {
			w.t.Fatalf("the end of attempt %v was acknowledged and is not on disk", id)
		}
		delete(f.ended, id)
	}
}

func (w *world) submit() {
	n := rapid.Int64Range(1, 6).Draw(w.t, "tasks")
	spec := &octaskly.Spec{Argv: []string{"true"}, Retries: rapid.IntRange(0, 1).Draw(w.t, "retries")}
	encoded, err := protocol.EncodeSpec(spec)
	w.check(err)
	job := octaskly.Job{Owner: "me", SpecVersion: 1, Spec: encoded, Elements: octaskly.Span(0, n-1), Array: n > 1,
		AtOnce: rapid.IntRange(0, 3).Draw(w.t, "at once")}
	w.c.submit(job, spec, func(a accepted, err error) {
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

func (w *world) connect(f *fakeWorker) {
	if f.session != nil {
		return
	}
	f.session = &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}
	hello := &protocol.Hello{Version: 1, Worker: f.id, Name: string(f.id[30:]), Slots: 2, Generation: w.store.Generation()}
	for id, s := range f.held {
		hello.Held = append(hello.Held, protocol.Held{ID: id, State: s, StartedAt: now()})
	}
	for id := range f.ended {
		hello.Held = append(hello.Held, protocol.Held{ID: id, State: octaskly.Completed})
	}
	w.c.join(f.session, hello)
	for id, s := range f.ended {
		w.report(f, id, s)
	}
}

func (w *world) report(f *fakeWorker, id octaskly.AttemptID, s octaskly.State) {
	end := octaskly.End{State: s, StartedAt: now(), EndedAt: now()}
	if s == octaskly.Failed {
		end.Reason = octaskly.ReasonExit(1)
	}
	w.c.hear(f.session, &protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: end}}})
}

// work lets a worker start or end something.
func (w *world) work(f *fakeWorker) {
	ids := make([]octaskly.AttemptID, 0, len(f.held))
	for id := range f.held {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	slices.SortFunc(ids, func(a, b octaskly.AttemptID) int { return int(a.Job-b.Job)*100 + int(a.Index-b.Index) })
	id := rapid.SampledFrom(ids).Draw(w.t, "attempt")
	if f.held[id] == octaskly.Assigned && rapid.Bool().Draw(w.t, "start") {
		f.held[id] = octaskly.Running
		if f.session != nil {
			w.c.hear(f.session, &protocol.FromWorker{Started: []protocol.Started{{ID: id, At: now()}}})
		}
		return
	}
	s := rapid.SampledFrom([]octaskly.State{octaskly.Completed, octaskly.Completed, octaskly.Failed, octaskly.TimedOut}).Draw(w.t, "end")
	delete(f.held, id)
	f.ended[id] = s
	if f.session != nil {
		w.report(f, id, s)
	}
}

// crash throws memory away, and with it every session and what was not written.
func (w *world) crash() {
	w.store.Close()
	for _, f := range w.workers {
		f.session = nil
	}
	w.open()
}

func (w *world) step() {
	f := rapid.SampledFrom(w.workers).Draw(w.t, "worker")
	switch rapid.IntRange(0, 12).Draw(w.t, "event") {
	case 0, 1:
		w.submit()
	case 2:
		w.connect(f)
	case 3, 4, 5:
		w.work(f)
	case 6:
		if id, ok := w.job(); ok && w.c.jobs[id] != nil {
			_, err := w.c.cancel(w.c.jobs[id], w.elements(), "by test")
			w.check(err)
		}
	case 7:
		w.check(w.c.commit(context.Background()))
		if id, ok := w.job(); ok {
			_, err := w.c.retry(id, w.elements())
			w.check(err)
		}
	case 8:
		if f.session != nil {
			w.c.leave(f.session, false)
			f.session = nil
		}
	case 9:
		if worker := w.c.workers[f.id]; worker != nil && worker.session == nil {
			w.c.loseAll(worker, now())
		}
	case 10:
		w.crash()
	case 11:
		for id := range f.held {
			if f.session != nil {
				w.c.hear(f.session, using(id, octaskly.Usage{Memory: 1}))
			}
		}
	default:
		w.commit()
	}
}

// audit compares memory with the store, and the store with itself.
func (w *world) audit() {
	w.t.Helper()
	for w.commit(); !w.c.batch.empty(); w.commit() {
	}
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
		switch live := w.c.jobs[id]; {
		case byState != record.Progress.Rows:
			w.t.Fatalf("job %v counts %v, its rows are %v", id, record.Progress.Rows, byState)
		case counts.Total() != w.total[id]:
			w.t.Fatalf("job %v has %d of %d tasks: %+v", id, counts.Total(), w.total[id], record.Progress)
		case counts.Over() != (live == nil) || counts.Over() == record.Progress.EndedAt.IsZero():
			w.t.Fatalf("job %v: over %v, in memory %v, ended at %v", id, counts.Over(), live != nil, record.Progress.EndedAt)
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
}

// settle lets everything end.
func (w *world) settle() {
	for _, f := range w.workers {
		w.connect(f)
	}
	for range 1000 {
		w.c.tick(time.Now().Add(time.Hour))
		w.commit()
		idle := true
		for _, f := range w.workers {
			for id := range f.held {
				idle = false
				delete(f.held, id)
				f.ended[id] = octaskly.Completed
				w.report(f, id, octaskly.Completed)
			}
		}
		if idle && len(w.c.jobs) == 0 {
			return
		}
	}
	w.t.Fatalf("%d jobs are still there", len(w.c.jobs))
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
