package dispatcher

import (
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// worker is the registry's entry of one worker.
type worker struct {
	octaskly.Worker
	sched    scheduler.Worker
	session  *session // nil while it is not connected
	leaseEnd time.Time
	awaited  bool                           // it went away without a goodbye, and its lease may still run
	expelled bool                           // it was removed, and is known until its lease is over
	held     map[*task]struct{}             // assigned to it or running there
	missed   map[*task]struct{}             // were, and could be again
	late     map[octaskly.AttemptID]*ending // lost with it, and their output is on its way
	specs    map[octaskly.JobID]bool        // sent in this session
	out      *protocol.ToWorker             // to send after the commit; nil: nothing
	meanRun  time.Duration                  // of its latest tasks, weighted
	recalled time.Time                      // when tasks were last asked back
	drainEnd time.Time                      // when a drained one stops what runs; zero: never
	emptied  time.Time                      // when a drained one was last asked for what it has
	contest  contest
}

// newWorker is a worker that is not connected; its lease begins.
func (d *Dispatcher) newWorker(known octaskly.Worker) *worker {
	w := &worker{Worker: known, held: map[*task]struct{}{}, missed: map[*task]struct{}{}}
	w.absentSince(time.Now().Add(d.Lease))
	w.beginDrain(time.Now())
	return w
}

// known finds a worker. One whose row was lost is made anew.
func (c *core) known(id octaskly.WorkerID) *worker {
	w := c.workers[id]
	if w == nil {
		w = c.newWorker(octaskly.Worker{ID: id})
		c.workers[id] = w
	}
	return w
}

// takes reports whether it may be given anything.
func (w *worker) takes() bool { return w.session != nil && w.Drain == nil && !w.session.leaving }

// absentSince starts the lease of a worker that is not connected.
func (w *worker) absentSince(leaseEnd time.Time) {
	w.session, w.specs, w.out, w.leaseEnd = nil, nil, nil, leaseEnd
}

// save has the next commit write a worker's row.
func (c *core) save(w *worker) {
	c.batch.workers = append(c.batch.workers, w.Worker)
	c.batch.removed = slices.DeleteFunc(c.batch.removed, func(id octaskly.WorkerID) bool { return id == w.ID })
}

// give enters a task with the worker that has it.
func (c *core) give(t *task) { c.known(t.Worker).held[t] = struct{}{} }

// takeBack strikes a task that is with its worker no more.
func (c *core) takeBack(t *task) {
	w := c.workers[t.Worker]
	delete(w.held, t)
	t.usage = nil
	w.sched.Leave(c.ask(t.job))
	c.queue.Release(t.job.sched, 1)
	if c.hungry(w) {
		c.batch.urgent = true
	}
}

// ask is the room that a task of j takes up.
func (c *core) ask(j *job) octaskly.Room { return j.sched.Ask() }

// hungry reports whether a worker has used up half of what it was sent ahead.
func (c *core) hungry(w *worker) bool {
	return w.takes() && c.waiting > 0 && w.sched.Held <= w.sched.Slots+w.sched.Ahead/2
}

// frame is what goes to w after the next commit.
func (c *core) frame(w *worker) *protocol.ToWorker {
	if w.out == nil {
		w.out = &protocol.ToWorker{}
		c.batch.addressed = append(c.batch.addressed, w)
	}
	return w.out
}

// flush hands the frame over to the session.
func (w *worker) flush() {
	frame := w.out
	w.out = nil
	if w.session != nil && frame != nil {
		w.session.send(frame)
	}
}

// forget tells a worker that a job's spec will not be used again.
func (w *worker) forget(c *core, id octaskly.JobID) {
	if w.session != nil && w.specs[id] {
		delete(w.specs, id)
		frame := c.frame(w)
		frame.Forget = append(frame.Forget, id)
	}
}

const (
	hideTrip = 20 * time.Millisecond // what is sent ahead lasts so long
	maxAhead = 256
)

// learn adjusts how much a worker gets ahead of its slots to how long its tasks
// have taken of late.
func (w *worker) learn(ran time.Duration) {
	ran = max(ran, 50*time.Microsecond)
	if w.meanRun == 0 {
		w.meanRun = ran
	}
	w.meanRun += (ran - w.meanRun) / 8
	w.sched.Ahead = min(maxAhead, int(time.Duration(w.Slots)*hideTrip/w.meanRun))
}

// record keeps an attempt that has ended.
func (c *core) record(a octaskly.Attempt, t *task) {
	a.Seq = t.Seq
	c.batch.attempts = append(c.batch.attempts, a)
}

// refresh rebuilds the list of workers that tasks can go to, and looks at what
// the known ones have in common.
func (c *core) refresh() {
	c.present = c.present[:0]
	for _, w := range c.workers {
		if w.takes() {
			w.sched.Features = c.trusted(w.Features)
			c.present = append(c.present, &w.sched)
		}
	}
	slices.SortFunc(c.present, func(a, b *scheduler.Worker) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	c.survey(time.Now())
}
