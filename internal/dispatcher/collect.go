package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// The collector removes what is over and more than Retention lets a dispatcher
// keep, the oldest first. Of a job it
//
//  1. marks it as gone, in the core's goroutine, so that no retry takes up a job of
//     which something is missing,
//  2. deletes its output files,
//  3. deletes its rows, its own at last,
//  4. deletes the inputs that no other job reads.
//
// A crash leaves a mark that the next process finds, or an input that nobody
// reads, which sweep finds. Nothing is removed but by the collector's goroutine,
// and that in steps of a few milliseconds, with longer pauses between them.
type collector struct {
	*Dispatcher
	kept      atomic.Int64     // tasks of jobs that are over
	removed   atomic.Int64     // jobs, since the start
	wake      chan struct{}    // holds one: a bound may have been passed
	start     time.Duration    // of the first pause
	gone      []octaskly.JobID // forgotten, and not removed yet
	sweptAt   time.Time
	events    atomic.Int64   // told since it was last looked whether there are too many
	inputFrom octaskly.JobID // see shedding
}

// archive is what the collector needs of a store; see package store.
type archive interface {
	Given(octaskly.JobID) bool
	Fate(context.Context, octaskly.JobID) (store.Fate, time.Time, error)
	Kept(ctx context.Context, after octaskly.JobID, limit int) ([]store.Kept, error)
	CountKept(ctx context.Context, seq int64) (tasks int64, err error)
	Forget(context.Context, []octaskly.JobID) (gone []octaskly.JobID, err error)
	Forgotten(context.Context) ([]octaskly.JobID, error)
	Remove(ctx context.Context, ids []octaskly.JobID, budget time.Duration) (removed int, err error)
	Files(context.Context, octaskly.JobID) ([]octaskly.AttemptID, error)
	Inputs(context.Context, []octaskly.JobID) ([]store.Input, error)
	InputsAfter(ctx context.Context, after octaskly.JobID, limit int) ([]store.Input, error)
	LastReader(context.Context, octaskly.Blob) (octaskly.JobID, error)
	Needed(context.Context, octaskly.Blob) (bool, error)
	Unlisted(context.Context) (bool, error)
}

const (
	startPause  = 5 * time.Second
	roundPause  = time.Second // between two, however much ends meanwhile
	sweepEvery  = 24 * time.Hour
	keptPage    = 200              // jobs that are judged, and forgotten, at once
	stepBudget  = time.Millisecond // of a step during which the store takes no commit
	pauseFactor = 4                // how much longer than a step the pause after it is
)

func newCollector(d *Dispatcher) *collector {
	k := &collector{Dispatcher: d, wake: make(chan struct{}, 1), start: min(startPause, d.Retention.beat())}
	k.events.Store(k.maxEvents()) // nobody has looked yet
	return k
}

// run goes on until ctx is done.
func (k *collector) run(ctx context.Context) {
	beat := time.NewTicker(k.Retention.beat())
	defer beat.Stop()
	for pause := k.start; wait(ctx, pause) == nil; pause = min(roundPause, k.Retention.beat()) {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.Log.Warn("Cannot remove what is no longer kept; the dispatcher tries again", "error", err)
		}
		select {
		case <-beat.C:
		case <-k.wake:
		case <-ctx.Done():
		}
	}
}

// round does all there is to do. A part that fails does not keep the others back:
// files may go where the database cannot be written.
func (k *collector) round(ctx context.Context) error {
	var errs []error
	if time.Since(k.sweptAt) >= sweepEvery {
		errs = append(errs, k.sweep(ctx))
	}
	before := k.removed.Load()
	err := k.finish(ctx)
	if err == nil {
		err = k.collect(ctx)
	} else if left, unknown := k.store.Forgotten(ctx); unknown == nil {
		k.gone = left // the database may have been replaced by what could be saved of it
	}
	errs = append(errs, err, k.shed(ctx), k.dropEvents(ctx))
	if n := k.removed.Load() - before; n > 0 {
		k.Log.Debug("Jobs were removed that are no longer kept", "jobs", n)
	}
	return errors.Join(errs...)
}

// collect forgets and removes jobs until what is left is within the bounds of
// age and number.
func (k *collector) collect(ctx context.Context) error {
	r := &k.Retention
	for after := octaskly.JobID(0); r.Age > 0 || r.Tasks > 0; {
		page, err := k.store.Kept(ctx, after, keptPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if chosen := r.choose(page, k.kept.Load(), time.Now()); len(chosen) > 0 {
			if err := k.forget(ctx, chosen); err != nil {
				return err
			}
			if err := k.finish(ctx); err != nil {
				return err
			}
		}
		last := page[len(page)-1]
		if after = last.Job; last.SubmittedAt.After(r.horizon(k.kept.Load(), time.Now())) {
			return nil
		}
	}
	return nil
}

// forget marks jobs as gone.
func (k *collector) forget(ctx context.Context, jobs []store.Kept) error {
	tasks := make(map[octaskly.JobID]int64, len(jobs))
	ids := make([]octaskly.JobID, len(jobs))
	for i, j := range jobs {
		ids[i], tasks[j.Job] = j.Job, j.Tasks
	}
	return k.step(ctx, func() error {
		gone, err := ask(ctx, k.Dispatcher, func(c *core, reply func([]octaskly.JobID, error)) { reply(c.forget(ids)) })
		for _, id := range gone {
			k.kept.Add(-tasks[id])
		}
		k.gone = append(k.gone, gone...)
		return err
	})
}

// finish removes what there is of jobs that are gone. What it cannot remove now
// it leaves for the next round.
func (k *collector) finish(ctx context.Context) error {
	if len(k.gone) == 0 {
		return nil
	}
	for _, id := range k.gone {
		if err := k.drop(ctx, id); ctx.Err() != nil {
			return err
		} else if err != nil { // sweep tries again
			k.Log.Warn("Cannot delete output that is no longer kept", "task", id.String(), "error", err)
		}
	}
	inputs, err := k.store.Inputs(ctx, k.gone)
	if err != nil {
		return err
	}
	for len(k.gone) > 0 {
		if err := k.step(ctx, func() error { return k.removeSome(ctx) }); err != nil {
			return err
		}
	}
	k.gone = nil
	for _, in := range inputs {
		if err := k.dropUnread(ctx, in.Blob); err != nil {
			return err
		}
	}
	return nil
}

func (k *collector) removeSome(ctx context.Context) error {
	n, err := k.store.Remove(ctx, k.gone, stepBudget)
	k.gone = k.gone[n:]
	k.removed.Add(int64(n))
	return err
}

// step does something that others have to wait for, and pauses.
func (k *collector) step(ctx context.Context, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	return wait(ctx, pauseFactor*time.Since(began))
}

// wait returns an error if ctx is done before d is over.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// grow notes that so many more tasks are kept that are over.
func (k *collector) grow(tasks int64) {
	if kept := k.kept.Add(tasks); tasks > 0 && k.Retention.Tasks > 0 && kept > k.Retention.Tasks {
		k.rouse()
	}
}

// swell is grow for files.
func (k *collector) swell() {
	if k.Retention.Output > 0 && k.filesSize() > k.Retention.Output {
		k.rouse()
	}
}

func (k *collector) rouse() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// filesSize is what outputs and inputs take up.
func (d *Dispatcher) filesSize() int64 { return d.outputs.kept.size() + d.blobs.kept.size() }

// forget makes jobs gone for all who read, unless they have been taken up again.
// It says which are gone.
func (c *core) forget(ids []octaskly.JobID) ([]octaskly.JobID, error) {
	if c.err == nil {
		c.err = c.commit(context.Background()) // what is over is then what the store takes for over
	}
	if c.err != nil {
		return nil, fmt.Errorf("the store cannot be written: %w", c.err)
	}
	over := make([]octaskly.JobID, 0, len(ids))
	for _, id := range ids {
		if c.jobs[id] == nil {
			over = append(over, id)
		}
	}
	return c.store.Forget(context.Background(), over)
}
