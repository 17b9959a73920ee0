package dispatcher

import (
	"context"
	"errors"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// renewed is how many tasks a retry would queue, by the owner of their jobs.
type renewed map[string]int64

// mayRetry refuses a retry that is beyond a quota before any of it is done: all its tasks
// count as waiting, and it is one submission of who asks.
func (d *Dispatcher) mayRetry(ctx context.Context, who api.Caller, what api.Selection) error {
	ids, err := d.selected(ctx, who, what)
	if err != nil {
		return err
	}
	all := renewed{}
	for len(ids) > 0 {
		some := ids[:min(perReview, len(ids))]
		ids = ids[len(some):]
		last := len(ids) == 0
		_, err := ask(ctx, d, func(c *core, reply func(struct{}, error)) {
			err := c.tally(all, some, what.Elements)
			if err == nil && last {
				err = c.admitAgain(all)
			}
			if err == nil && last && len(all) > 0 {
				err = c.admitRequest(who.Name)
			}
			reply(struct{}{}, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// admitRetry refuses to queue again what is not within the quotas of its owners. What is
// not counted, in a memory that has just been loaded, was within them a moment ago.
func (c *core) admitRetry(ids []octaskly.JobID, elements octaskly.Ranges) error {
	all := renewed{}
	if err := c.tally(all, ids, elements); err != nil {
		return err
	}
	if err := c.admitAgain(all); !errors.Is(err, errUncounted) {
		return err
	}
	return nil
}

func (c *core) admitAgain(all renewed) error {
	total := int64(0)
	for name, n := range all {
		if err := c.admitTasks(name, n); err != nil {
			return err
		}
		total += n
	}
	if total == 0 {
		return nil
	}
	return c.admitAll(total)
}

// tally adds what a retry of some jobs would queue.
func (c *core) tally(to renewed, ids []octaskly.JobID, elements octaskly.Ranges) error {
	for _, id := range ids {
		owner, n, err := c.unsuccessful(id, elements)
		if err != nil {
			return err
		}
		if n > 0 {
			to[owner] += n
		}
	}
	return nil
}

// unsuccessful counts the elements of a job that ended without completing.
func (c *core) unsuccessful(id octaskly.JobID, elements octaskly.Ranges) (owner string, n int64, err error) {
	var progress octaskly.Progress
	if j := c.jobs[id]; j != nil {
		owner, progress = j.Owner, j.progress
	} else {
		record, err := c.store.Job(context.Background(), id)
		if err != nil {
			return "", 0, c.missing(id, err)
		}
		owner, progress = record.Job.Owner, record.Progress
	}
	if elements == nil {
		counts := progress.Count()
		for _, state := range unsuccessful {
			n += counts[state]
		}
		return owner, n, nil
	}
	dropped, _ := split(progress.Dropped, elements)
	rows, err := c.store.Tasks(context.Background(), id, unsuccessful, 0, maxRetried)
	for i := range rows {
		if elements.Contains(rows[i].Index) {
			n++
		}
	}
	return owner, n + dropped.Count(), err
}
