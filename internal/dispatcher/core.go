package dispatcher

import (
	"context"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/scheduler"
	"github.com/octaskly/octaskly/internal/store"
)

// core is the state of a dispatcher. Only the goroutine in run touches it.
type core struct {
	*Dispatcher
	queue   *scheduler.Queue
	jobs    map[octaskly.JobID]*job // those that are not over, without the backlog
	backlog backlog
	workers map[octaskly.WorkerID]*worker
	present []*scheduler.Worker // of the workers that are connected
	delayed delays
	waiting int64 // queued tasks, in ranges and rows, in memory or not
	live    int64 // jobs that are not over, likewise
	seq     int64 // number of the latest transition
	totals  octaskly.Counts
	pace    pace // of all tasks
	batch   batch
	owners  owners
	err     error // why memory can no longer be trusted

	leaseCheck time.Time // when to look for leases that have ended
	aloneAt    time.Time // when tasks that must run alone may be given out; zero: now
	surveyAt   time.Time // when the first lease of an absent worker ends; zero: there is none
}

// load makes a core from what the store has.
func (d *Dispatcher) load(ctx context.Context) (*core, error) {
	snapshot, err := d.store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot load the queue: %w", err)
	}
	if d.store.Salvaged() {
		if err := d.prune(ctx); err != nil {
			return nil, err
		}
	}
	c := &core{
		Dispatcher: d,
		queue:      scheduler.NewQueue(),
		jobs:       make(map[octaskly.JobID]*job, len(snapshot.Touched)),
		workers:    make(map[octaskly.WorkerID]*worker, len(snapshot.Workers)),
		seq:        snapshot.Seq,
		totals:     snapshot.Totals,
		waiting:    snapshot.Queued,
		live:       snapshot.Live,
		backlog:    backlog{last: snapshot.Last},
	}
	d.happened.ring(snapshot.Seq)
	c.limit()
	for _, known := range snapshot.Workers {
		c.workers[known.ID] = d.newWorker(known)
		d.names.set(known.ID, known.Name)
	}
	for _, live := range snapshot.Touched {
		if err := c.restore(live.Job, live.Progress, live.Tasks); err != nil {
			return nil, err
		}
	}
	if c.backlog.more() {
		c.take(d.readPage(ctx, c.backlog.next(c.page())))
	}
	c.awaitOthers(time.Now())
	c.survey(time.Now())
	return c, c.err
}

// restore puts a job that is not over back into memory.
func (c *core) restore(j octaskly.Job, p octaskly.Progress, tasks []octaskly.Task) error {
	spec, illegible := legible(&j)
	restored, err := c.open(j, spec, p)
	if err != nil {
		return err
	}
	for i := range tasks {
		c.adopt(restored, &tasks[i])
	}
	if illegible != nil {
		c.condemn(restored, illegible)
		return nil
	}
	restored.rest()
	return nil
}

// run is the core's loop. It ends with ctx.
func (c *core) run(ctx context.Context) error {
	for {
		if err := c.serve(ctx); err == nil || ctx.Err() != nil {
			c.disconnect()
			return nil
		} else if err := c.reload(ctx, err); err != nil {
			return nil // only ctx ends the reloading
		}
	}
}

// serve handles events until ctx is done or memory can no longer be trusted.
func (c *core) serve(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case event := <-c.events:
			event(c)
			c.drain()
		case question := <-c.questions:
			question(c)
			continue
		case <-timer.C:
		case <-ctx.Done():
			return c.commit(context.WithoutCancel(ctx))
		}
		now := time.Now()
		c.tick(now)
		c.schedule(now)
		if c.err == nil && c.batch.due(now) {
			c.err = c.commit(ctx)
		}
		if c.err != nil {
			return c.err
		}
		timer.Reset(c.nextTick(now))
	}
}

// drain handles what else has come in, up to one commit's worth.
func (c *core) drain() {
	for range maxEvents {
		select {
		case event := <-c.events:
			event(c)
		default:
			return
		}
	}
}

// tick does what is due at now.
func (c *core) tick(now time.Time) {
	for t := c.delayed.pop(now); t != nil; t = c.delayed.pop(now) {
		c.wait(t)
	}
	if !c.aloneAt.IsZero() && !now.Before(c.aloneAt) {
		c.aloneAt = time.Time{}
		c.refresh()
	}
	if !c.surveyAt.IsZero() && !now.Before(c.surveyAt) {
		c.survey(now)
	}
	if now.Before(c.leaseCheck) {
		return
	}
	c.leaseCheck = now.Add(maxTick)
	c.limit()
	c.attend(now)
}

// maxTick bounds how long the core sleeps, and with it how late a lease is seen
// to end.
const maxTick = 250 * time.Millisecond

// nextTick is the time until something is due.
func (c *core) nextTick(now time.Time) time.Duration {
	next := now.Add(maxTick)
	if at, ok := c.delayed.next(); ok && at.Before(next) {
		next = at
	}
	if at, ok := c.batch.deadline(); ok && at.Before(next) {
		next = at
	}
	if at, ok := c.levelAt(); ok && at.Before(next) {
		next = at
	}
	return max(next.Sub(now), 0)
}

// reload throws memory away and loads it from the store, as often as it takes.
// Until then requests are answered with the reason.
func (c *core) reload(ctx context.Context, why error) error {
	why = c.complain(why)
	c.disconnect()
	c.batch.fail(why)
	var loading <-chan loaded
	pause := time.NewTimer(reloadPause)
	defer pause.Stop()
	for {
		select {
		case event := <-c.events:
			event(c)
			c.batch.fail(why)
		case question := <-c.questions:
			question(c)
		case <-pause.C:
			loading = c.loadAside(ctx)
		case l := <-loading:
			if l.err == nil {
				c.disconnect() // whoever has joined meanwhile joined what is thrown away
				*c = *l.core
				return nil
			}
			c.Log.Error("Cannot load the queue", "error", l.err)
			loading = nil
			pause.Reset(reloadPause)
		case <-ctx.Done():
			if loading != nil {
				<-loading
			}
			return ctx.Err()
		}
	}
}

const reloadPause = time.Second

// storeError is what requests are answered while the store cannot be written.
type storeError struct{ why error }

func (e *storeError) Error() string {
	return fmt.Sprintf("cannot take anything new: %v; what was accepted is safe, and the dispatcher goes on by itself when it can", e.why)
}

func (e *storeError) Unwrap() []error { return []error{octaskly.ErrUnavailable, e.why} }

// disconnect ends all sessions.
func (c *core) disconnect() {
	for _, w := range c.workers {
		if w.session != nil {
			w.session.close()
		}
	}
}

// touch numbers a transition of t, which was was before, and puts it into the batch.
func (c *core) touch(was *octaskly.Task, t *task) {
	c.seq++
	t.Seq = c.seq
	c.batch.addTask(t)
	c.touchJob(t.job)
	c.tellEvent(was, t)
}

func (c *core) touchJob(j *job) {
	j.progress.Seq = c.seq
	c.batch.addJob(j)
}

// changes is what the batch writes.
func (c *core) changes() *store.Changes {
	changes := c.batch.changes()
	changes.Seq, changes.Queued, changes.Live = c.seq, c.waiting, c.live
	return changes
}

// put returns when the changes are on disk. Questions are answered meanwhile, and
// nothing else: memory stays as it is.
func (c *core) put(ctx context.Context, changes *store.Changes) error {
	done := make(chan error, 1)
	go func() { done <- c.store.Commit(ctx, changes) }()
	for {
		select {
		case question := <-c.questions:
			question(c)
		case err := <-done:
			return err
		}
	}
}

// commit writes the batch and lets out what depended on it.
func (c *core) commit(ctx context.Context) error {
	if c.batch.empty() {
		return nil
	}
	if c.batch.writes() {
		changes, began := c.changes(), time.Now()
		if err := c.put(ctx, changes); err != nil {
			return err
		}
		c.meter.wrote(changes, time.Since(began))
	}
	b := c.batch
	c.meter.committed(&b)
	c.batch = batch{}
	c.owners.committed(c.seq)
	c.collector.grow(b.kept)
	c.collector.swell()
	for _, w := range b.addressed {
		w.flush()
	}
	// Before the waiters and the bells: who has heard of an event from them, and follows
	// from now on, gets it no more.
	if n := len(b.events); n > 0 {
		c.happened.ring(b.events[n-1].Seq)
		c.collector.swellEvents(n)
	}
	for _, done := range b.waiters {
		done(nil)
	}
	for _, j := range b.touched {
		j.dirty = false
		c.bells.ring(j.ID, j.over())
	}
	for _, t := range b.tasks {
		t.dirty = false
	}
	c.tellOf(&b)
	c.readOn()
	return nil
}
