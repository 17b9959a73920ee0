package dispatcher

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// watchPause is the least time between two looks at a job that goes on.
const watchPause = 100 * time.Millisecond

// Watch yields a job, or one element, each time it has changed, until it is over.
func (d *Dispatcher) Watch(ctx context.Context, who api.Caller, id octaskly.TaskID, yield func(*api.Job) error) error {
	bell := d.bells.hang(id.Job)
	defer d.bells.take(id.Job, bell)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		detail, _, err := d.look(ctx, who, id)
		if err != nil {
			return err
		}
		if err := yield(&detail.Job); err != nil || detail.State.Terminal() {
			return err
		}
		if err := bell.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// wait returns when the job has changed: at once when it is over, else not
// sooner than watchPause after the wait before.
func (b *bell) wait(ctx context.Context, pause *time.Timer) error {
	select {
	case <-b.changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-pause.C:
		pause.Reset(watchPause)
	case <-b.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// waitAtMost returns when the job has changed or, if bounded, after d.
func (b *bell) waitAtMost(ctx context.Context, d time.Duration, bounded bool) error {
	var timeout <-chan time.Time
	if bounded {
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-b.changed:
	case <-timeout:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Stats sums up, of an owner what is his.
func (d *Dispatcher) Stats(ctx context.Context, who api.Caller, owner string) (*api.Stats, error) {
	owner = owned(who, owner)
	stats, err := d.sum(ctx, owner)
	if err == nil && (owner != "" || !who.Admin) {
		err = d.addOwned(ctx, stats, owner)
	}
	return stats, err
}

func (d *Dispatcher) sum(ctx context.Context, owner string) (*api.Stats, error) {
	return consult(ctx, d, func(c *core) (*api.Stats, error) {
		counts := c.totals
		counts[octaskly.Queued] = c.waiting
		stats := &api.Stats{
			Jobs: c.live, Version: c.Version, Fleet: c.Fleet, StartedAt: c.started.UTC(),
			FleetStats: &api.FleetStats{},
			StoreStats: &api.StoreStats{
				Database: c.store.Size(), Output: c.outputs.kept.size(), Inputs: c.blobs.kept.size(),
				Removed: c.collector.removed.Load(),
			},
		}
		for _, w := range c.workers {
			line := w.describe()
			counts[octaskly.Running] += int64(line.Running)
			counts[octaskly.Assigned] += int64(line.Assigned)
			if w.session != nil {
				stats.Workers++
				stats.Slots += w.Slots
				stats.Busy += min(w.Slots, line.Running+line.Assigned)
			}
		}
		stats.Rate = c.pace.rate(time.Now())
		stats.Waiting = c.whatWaits(owner)
		addHealth(stats, c.store.Health())
		stats.Tasks = allByName(counts)
		return stats, nil
	})
}

var _ api.Dispatcher = (*Dispatcher)(nil)
var _ Store = (*store.Store)(nil)
