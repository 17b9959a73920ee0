package dispatcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// accepted answers a submission.
type accepted struct {
	id       octaskly.JobID
	repeated bool
}

// Submit accepts a job. It returns once the job is on disk, and leaves in j what
// was accepted, or what had been before with the same key.
func (d *Dispatcher) Submit(ctx context.Context, who api.Caller, j *octaskly.Job, spec *octaskly.Spec) (octaskly.JobID, bool, error) {
	if err := spec.Check(); err != nil {
		return 0, false, err
	}
	for field, blob := range map[string]octaskly.Blob{"stdin": spec.Stdin, "items": spec.Items} {
		if blob != "" && !d.HasBlob(ctx, blob) {
			return 0, false, &octaskly.FieldError{Field: field, Why: "its bytes have not been uploaded"}
		}
	}
	if spec.Items != "" {
		if err := d.countItems(j, spec.Items); err != nil {
			return 0, false, err
		}
	}
	encoded, err := protocol.EncodeSpec(spec)
	if err != nil {
		return 0, false, err
	}
	job := *j
	job.Owner, job.Spec, job.SpecVersion, job.SubmittedAt = who.Name, encoded, octaskly.SpecVersion, now()
	answer, err := ask(ctx, d, func(c *core, reply func(accepted, error)) { c.submit(job, reply) })
	if answer.repeated && err == nil {
		record, err := d.store.Job(ctx, answer.id)
		if err != nil {
			return 0, false, err
		}
		if !bytes.Equal(record.Job.Spec, job.Spec) || record.Job.Elements.String() != job.Elements.String() {
			return 0, false, fmt.Errorf("cannot use idempotency key %q: task %v was submitted with it, and is another: %w", job.Key, answer.id, octaskly.ErrConflict)
		}
		*j = record.Job
	}
	return answer.id, answer.repeated, err
}

// countItems makes an element of each line.
func (d *Dispatcher) countItems(j *octaskly.Job, blob octaskly.Blob) error {
	it := d.blobs.items(blob)
	defer it.close()
	switch {
	case it.err != nil:
		return it.err
	case it.count == 0:
		return &octaskly.FieldError{Field: "items", Why: "there is no line in them"}
	case it.count > octaskly.MaxElements:
		return &octaskly.FieldError{Field: "items", Why: fmt.Sprintf("%d lines are more than the %d tasks of one job", it.count, octaskly.MaxElements)}
	}
	j.Elements, j.Array = octaskly.Span(0, it.count-1), true
	return nil
}

func (c *core) submit(job octaskly.Job, reply func(accepted, error)) {
	if job.Key != "" {
		earlier, err := c.byKey(job.Owner, job.Key)
		if err == nil {
			c.batch.after(func(err error) { reply(accepted{earlier, true}, err) }) // it may be in this batch
			return
		}
		if !errors.Is(err, octaskly.ErrNotFound) {
			reply(accepted{}, err)
			return
		}
	}
	if n := job.Elements.Count(); c.waiting+n > c.MaxQueued {
		reply(accepted{}, fmt.Errorf("cannot queue %d more tasks: %d wait, %d may: %w", n, c.waiting, c.MaxQueued, octaskly.ErrFull))
		return
	}
	job.ID = c.store.NextJobID()
	j, err := c.open(job, octaskly.Progress{Unclaimed: job.Elements})
	if err != nil {
		reply(accepted{}, err)
		return
	}
	c.seq++
	c.batch.accepted = append(c.batch.accepted, job)
	c.touchJob(j)
	c.batch.after(func(err error) {
		if j.sched.Active == 0 {
			j.Spec, j.spec = nil, nil // it may wait for long
		}
		reply(accepted{id: job.ID}, err)
	})
}

// byKey finds the job of an idempotency key, on disk or about to be.
func (c *core) byKey(owner, key string) (octaskly.JobID, error) {
	for _, j := range c.batch.accepted {
		if j.Owner == owner && j.Key == key {
			return j.ID, nil
		}
	}
	return c.store.JobByKey(context.Background(), owner, key)
}

// Cancel ends what was selected. Running tasks end a little later; the wish is
// on disk when Cancel returns.
func (d *Dispatcher) Cancel(ctx context.Context, who api.Caller, what api.Selection, reason string) (api.Outcome, error) {
	detail := "by " + who.Name
	if reason != "" {
		detail += ": " + reason
	}
	return d.apply(ctx, who, what, func(c *core, j *job, elements octaskly.Ranges) (int64, error) {
		return c.cancel(j, elements, detail)
	})
}

// cancel stops the tasks of j among elements and says how many it reached.
func (c *core) cancel(j *job, elements octaskly.Ranges, detail string) (n int64, err error) {
	dropped, rest := split(j.progress.Unclaimed, elements)
	all := j.progress.Dropped.Union(dropped)
	if err := bounded(rest, all); err != nil {
		return 0, err
	}
	at := now()
	for _, t := range j.tasks(elements) {
		cancelled := false
		if t.State == octaskly.Queued {
			cancelled = c.move(t, func(t *octaskly.Task) error { return t.Stop(detail, at) }) == nil
		} else if t.Task.Stop(detail, at) == nil {
			c.touch(t)
			c.stop(t)
			cancelled = true
		}
		if cancelled {
			n++
		}
	}
	count := dropped.Count()
	if n += count; n == 0 {
		return 0, nil
	}
	c.seq++
	j.progress.CancelReason = detail
	c.touchJob(j)
	if count > 0 {
		j.progress.Unclaimed = rest
		j.progress.Dropped = all
		c.queueUp(j, -count)
		c.count(octaskly.Cancelled, count)
		c.conclude(j)
	}
	return n, nil
}

// bounded refuses sets that would fall apart into too many pieces.
func bounded(sets ...octaskly.Ranges) error {
	for _, set := range sets {
		if len(set) > octaskly.MaxPieces {
			return fmt.Errorf("cannot change only these elements: the rest would fall into %d ranges, %d are allowed; name whole spans, as in 42.0-999: %w",
				len(set), octaskly.MaxPieces, octaskly.ErrFull)
		}
	}
	return nil
}

// Signal passes a signal on to running tasks.
func (d *Dispatcher) Signal(ctx context.Context, who api.Caller, what api.Selection, number int) (api.Outcome, error) {
	return d.apply(ctx, who, what, func(c *core, j *job, elements octaskly.Ranges) (n int64, _ error) {
		for _, t := range j.tasks(elements) {
			w := c.workers[t.Worker]
			if t.State != octaskly.Running || w == nil || w.session == nil {
				continue
			}
			frame := c.frame(w)
			frame.Signal = append(frame.Signal, protocol.Signal{ID: t.Current(), Number: number})
			n++
		}
		return n, nil
	})
}

// apply lets do work on the live part of each selected job and says what it
// reached, once that is on disk.
func (d *Dispatcher) apply(ctx context.Context, who api.Caller, what api.Selection,
	do func(*core, *job, octaskly.Ranges) (int64, error)) (api.Outcome, error) {
	ids, err := d.selected(ctx, who, what)
	if err != nil {
		return api.Outcome{}, err
	}
	return ask(ctx, d, func(c *core, reply func(api.Outcome, error)) {
		var out api.Outcome
		for _, id := range ids {
			n := int64(0)
			if j := c.jobs[id]; j != nil {
				var err error
				if n, err = do(c, j, what.Elements); err != nil {
					reply(out, err)
					return
				}
			}
			if out.Done += n; n == 0 {
				out.Already = append(out.Already, label(id, what.Elements))
			}
		}
		c.batch.after(func(err error) { reply(out, err) })
	})
}

// label is how a user wrote the part of a job that he meant.
func label(id octaskly.JobID, elements octaskly.Ranges) string {
	if elements == nil {
		return id.String()
	}
	return id.String() + "." + elements.String()
}

// tasks are the live ones among elements; nil elements are all.
func (j *job) tasks(elements octaskly.Ranges) []*task {
	list := make([]*task, 0, len(j.live))
	for _, t := range j.live {
		if elements == nil || elements.Contains(t.Index) {
			list = append(list, t)
		}
	}
	return list
}

// split divides a set by whether its indices are among elements; nil are all.
func split(set, elements octaskly.Ranges) (inside, outside octaskly.Ranges) {
	if elements == nil {
		return set, nil
	}
	return set.Divide(elements)
}
