package dispatcher

import (
	"context"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// book is a store that checks what is written to it: each attempt that was opened
// ends once or is still open, numbers only grow, and what has completed stays so.
type book struct {
	*store.Store
	*records
}

// records are kept over restarts.
type records struct {
	t        *rapid.T
	tasks    map[octaskly.TaskID]octaskly.Task // as they are on disk
	rows     map[octaskly.AttemptID]octaskly.Attempt
	recalled map[octaskly.AttemptID]bool // or were about to be when the dispatcher died
}

func newRecords(t *rapid.T) *records {
	return &records{t, map[octaskly.TaskID]octaskly.Task{}, map[octaskly.AttemptID]octaskly.Attempt{}, map[octaskly.AttemptID]bool{}}
}

// Commit implements Store.
func (b book) Commit(ctx context.Context, c *store.Changes) error {
	if err := b.Store.Commit(ctx, c); err != nil {
		return err
	}
	for i := range c.Attempts {
		a := &c.Attempts[i]
		if _, twice := b.rows[a.ID]; twice || !a.End.State.Terminal() {
			b.t.Fatalf("attempt %v ends as %v; it has ended before: %v", a.ID, a.End.State, twice)
		}
		b.rows[a.ID] = *a
	}
	for i := range c.Tasks {
		b.record(&c.Tasks[i])
	}
	for i := range c.Late {
		b.recordLate(&c.Late[i])
	}
	return nil
}

func (r *records) record(t *octaskly.Task) {
	id := octaskly.TaskID{Job: t.Job, Index: t.Index}
	before := r.tasks[id]
	switch {
	case t.Attempt < before.Attempt:
		r.t.Fatalf("task %v: attempt %d after %d", id, t.Attempt, before.Attempt)
	case before.State == octaskly.Completed && (t.State != octaskly.Completed || t.Attempt != before.Attempt):
		r.t.Fatalf("completed task %v goes on: %+v", id, *t)
	case t.Losses < 0 || t.Losses > simulatedLosses:
		r.t.Fatalf("task %v has %d losses", id, t.Losses)
	}
	for n := 1; n <= t.Attempt; n++ {
		attempt := octaskly.AttemptID{Job: t.Job, Index: t.Index, Number: n}
		if _, ended := r.rows[attempt]; ended == t.Open(n) && !r.recalled[attempt] {
			r.t.Fatalf("attempt %d of task %v: open %v, ended %v: %+v", n, id, t.Open(n), ended, *t)
		}
	}
	r.tasks[id] = *t
}

func (r *records) recordLate(a *octaskly.Attempt) {
	row, ok := r.rows[a.ID]
	if !ok || row.End.Reason != octaskly.ReasonWorkerLost || row.Worker != a.Worker {
		r.t.Fatalf("attempt %v, late: its row is %+v", a.ID, row)
	}
	row.Late.State = a.End.State
	r.rows[a.ID] = row
}

// acknowledged checks that what a worker may forget is kept.
func (r *records) acknowledged(f *fakeWorker, id octaskly.AttemptID) {
	row, ended := r.rows[id]
	if _, told := f.ended[id]; !told {
		return
	}
	if !ended || row.Worker == f.id && row.End.Reason == octaskly.ReasonWorkerLost && row.Late.State == 0 {
		r.t.Fatalf("the end of attempt %v was acknowledged; its row is %+v", id, row)
	}
}

const simulatedLosses = 2

// inspect checks what must hold after every step, on disk or not.
func (w *world) inspect() {
	w.t.Helper()
	for _, j := range w.c.jobs {
		for _, t := range j.live {
			held, missed := false, false
			worker := w.c.workers[t.Worker]
			if worker != nil {
				_, held = worker.held[t]
				_, missed = worker.missed[t]
			}
			if held != withWorker(t.State) || missed != t.Missed() {
				w.t.Fatalf("task %+v: held %v, missed %v", t.Task, held, missed)
			}
			if t.Missed() && worker.session != nil {
				w.t.Fatalf("task %+v is missed on a connected worker", t.Task)
			}
			if before := w.records.tasks[octaskly.TaskID{Job: t.Job, Index: t.Index}]; before.State == octaskly.Completed {
				w.t.Fatalf("completed task %+v is live", t.Task)
			}
		}
	}
	for _, worker := range w.c.workers {
		if worker.Drain != nil && w.c.hungry(worker) {
			w.t.Fatalf("drained worker %s is hungry", worker.ID)
		}
	}
	for _, p := range w.c.present {
		if w.c.workers[p.ID].Drain != nil {
			w.t.Fatalf("drained worker %s gets tasks", p.ID)
		}
	}
}
