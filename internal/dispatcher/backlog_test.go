package dispatcher

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// smallWindow makes most jobs of a simulation rest on disk.
const smallWindow = 4

// pages plays the goroutine that reads pages: what it has read may lie about for
// a while.
type pages struct{ read *page }

func (p *pages) step(w *world) {
	if p.read != nil {
		w.c.take(p.read)
		p.read = nil
	} else {
		select {
		case r := <-w.d.wanted:
			p.read = w.d.readPage(context.Background(), r)
		default:
		}
	}
	w.check(w.c.err)
}

// settle reads on for as long as the core wants.
func (p *pages) settle(w *world) {
	for p.read != nil || len(w.d.wanted) > 0 {
		p.step(w)
		w.place()
		w.check(w.c.commit(context.Background()))
	}
}

// place lets the core place tasks, and checks that it is first in, first out: all
// jobs ask for the same.
func (w *world) place() {
	w.t.Helper()
	active := map[octaskly.JobID]int64{}
	for id, j := range w.c.jobs {
		active[id] = j.sched.Active
	}
	w.c.schedule(time.Now())
	w.check(w.c.err)
	latest := octaskly.JobID(0)
	for id, j := range w.c.jobs {
		if j.sched.Active > active[id] {
			latest = max(latest, id)
		}
	}
	for id := octaskly.JobID(1); id < latest; id++ {
		if j := w.c.jobs[id]; j != nil {
			_, full := j.sched.Full()
			if j.sched.Waiting > 0 && (j.AtOnce == 0 || j.sched.Active < int64(j.AtOnce)) && !full {
				w.t.Fatalf("a task of job %v went before those of job %v", latest, id)
			}
		} else if w.rests(id) {
			w.t.Fatalf("a task of job %v went before those of job %v, which is in the backlog", latest, id)
		}
	}
}

// rests reports whether a job is only on disk, and not over.
func (w *world) rests(id octaskly.JobID) bool {
	b := &w.c.backlog
	if w.c.jobs[id] != nil || id <= b.after || id > b.last {
		return false
	}
	live, err := w.store.Live(context.Background(), []octaskly.JobID{id})
	w.check(err)
	return len(live) == 1
}

// find looks for a job as a request does.
func (w *world) find(id octaskly.JobID) *job {
	jobs, err := w.c.find([]octaskly.JobID{id})
	w.check(err)
	return jobs[0]
}

// auditBacklog compares counters with the store.
func (w *world) auditBacklog(live int64) {
	w.t.Helper()
	snapshot, err := w.store.Load(context.Background())
	w.check(err)
	if w.c.live != live || snapshot.Live != live || snapshot.Queued != w.c.waiting {
		w.t.Fatalf("%d jobs are live, counted %d, on disk %d; %d tasks wait, on disk %d", live, w.c.live, snapshot.Live, w.c.waiting, snapshot.Queued)
	}
	ready, early := 0, 0
	for id, j := range w.c.jobs {
		if j.sched.Later {
			early++
			if id <= w.c.backlog.after || !w.c.backlog.more() {
				w.t.Fatalf("job %v waits for jobs that are in memory", id)
			}
		} else if j.sched.Waiting > 0 && (j.AtOnce == 0 || j.sched.Active < int64(j.AtOnce)) {
			ready++
		}
	}
	if ready != w.c.queue.Ready() || early != len(w.c.backlog.early) {
		w.t.Fatalf("%d jobs are in line, counted %d; %d wait for others, counted %d", ready, w.c.queue.Ready(), early, len(w.c.backlog.early))
	}
}
