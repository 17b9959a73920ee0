package dispatcher

import (
	"context"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// maxRetried bounds the elements that one retry takes up, all of which come
// into memory.
const maxRetried = 100_000

// Retry queues once more what ended without completing. It counts as one submission.
func (d *Dispatcher) Retry(ctx context.Context, who api.Caller, what api.Selection) (api.Outcome, error) {
	about(who, target(what))
	if err := d.counted(ctx, func() error { return d.mayRetry(ctx, who, what) }); err != nil {
		return api.Outcome{}, err
	}
	return d.apply(ctx, who, what, "", perReview, func(c *core, ids []octaskly.JobID, done func(octaskly.JobID, int64)) error {
		if c.err = c.commit(context.Background()); c.err != nil { // what it reads must be on disk
			return c.err
		}
		if err := c.admitRetry(ids, what.Elements); err != nil { // others may have submitted since
			return err
		}
		for _, id := range ids {
			n, err := c.retry(id, what.Elements)
			if err != nil {
				return err
			}
			done(id, n)
		}
		return nil
	})
}

// retry takes a job back into memory if it must, and queues its elements that
// ended without completing.
func (c *core) retry(id octaskly.JobID, elements octaskly.Ranges) (n int64, err error) {
	rows, err := c.store.Tasks(context.Background(), id, unsuccessful, 0, maxRetried)
	if err != nil {
		return 0, err
	}
	if len(rows) == maxRetried {
		return 0, fmt.Errorf("cannot retry more than %d tasks at once: name some of them, as in %v.0-999: %w", maxRetried-1, id, octaskly.ErrFull)
	}
	j := c.jobs[id]
	if j == nil {
		record, err := c.store.Job(context.Background(), id)
		if err != nil {
			return 0, c.missing(id, err)
		}
		if j, err = c.open(record.Job, nil, record.Progress); err != nil {
			return 0, err
		}
		if err := c.holdInputs(j); err != nil {
			c.close(j)
			return 0, err
		}
	}
	kept := store.KeptTasks(&j.progress)
	for i := range rows {
		if row := &rows[i]; elements == nil || elements.Contains(row.Index) {
			c.again(j, row)
			n++
		}
	}
	back, err := c.undrop(j, elements)
	if err != nil {
		c.err = err // what was queued above is forgotten with the memory
		return 0, err
	}
	if n += back; n == 0 {
		if j.over() {
			c.close(j)
		}
		return 0, nil
	}
	if !j.progress.EndedAt.IsZero() {
		j.progress.EndedAt = time.Time{}
		c.live++
		c.batch.kept -= kept
	}
	c.seq++
	c.touchJob(j)
	return n, nil
}

// holdInputs makes sure that what a job reads is there, and stays until the store
// knows that the job goes on.
func (c *core) holdInputs(j *job) error {
	blobs := []octaskly.Blob{j.spec.Stdin, j.spec.Items}
	release := c.blobs.claim(blobs...)
	c.batch.after(func(error) { release() })
	for _, blob := range blobs {
		if blob != "" && !c.blobs.use(blob) {
			return &goneError{fmt.Sprintf("cannot retry task %v: its input is no longer kept (retention)", j.ID)}
		}
	}
	return nil
}

var unsuccessful = []octaskly.State{octaskly.Failed, octaskly.TimedOut, octaskly.Cancelled}

// again queues a task that had ended.
func (c *core) again(j *job, row *octaskly.Task) {
	t := &task{Task: *row, job: j}
	j.keep(t)
	ended := t.State
	if c.move(t, (*octaskly.Task).Again) == nil {
		c.count(ended, -1)
	}
}

// undrop gives back to the queue what was cancelled before it left it.
func (c *core) undrop(j *job, elements octaskly.Ranges) (n int64, err error) {
	back, rest := split(j.progress.Dropped, elements)
	unclaimed := j.progress.Unclaimed.Union(back)
	if err := bounded(rest, unclaimed); err != nil {
		return 0, err
	}
	if n = back.Count(); n > 0 {
		j.progress.Dropped, j.progress.Unclaimed = rest, unclaimed
		c.count(octaskly.Cancelled, -n)
		c.queueUp(j, n)
		c.happenTo(j, back, octaskly.Event{Kind: octaskly.TaskQueued, State: octaskly.Queued, Why: octaskly.WhyAgain})
	}
	return n, nil
}
