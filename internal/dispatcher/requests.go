package dispatcher

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// Cancel ends what was selected. Running tasks end a little later; the wish is
// on disk when Cancel returns.
func (d *Dispatcher) Cancel(ctx context.Context, who api.Caller, what api.Selection, reason string) (api.Outcome, error) {
	detail := "by " + who.Name
	if reason != "" {
		detail += ": " + reason
	}
	return d.apply(ctx, who, what, reason, perEvent, func(c *core, ids []octaskly.JobID, done func(octaskly.JobID, int64)) error {
		jobs, err := c.find(ids)
		for i, j := range jobs {
			n := int64(0)
			if j != nil {
				if n, err = c.cancel(j, what.Elements, detail); err != nil {
					break
				}
			}
			done(ids[i], n)
		}
		return err
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
		cancelled, was := false, t.Task
		if t.State == octaskly.Queued {
			cancelled = c.move(t, func(t *octaskly.Task) error { return t.Stop(detail, at) }) == nil
		} else if t.Task.Stop(detail, at) == nil {
			c.touch(&was, t)
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
	c.happenTo(j, dropped, octaskly.Event{Kind: octaskly.JobCancelled, State: octaskly.Cancelled, Reason: octaskly.ReasonCancelled, Detail: detail})
	j.progress.CancelReason = detail
	c.touchJob(j)
	if count > 0 {
		j.progress.Unclaimed = rest
		j.progress.Dropped = all
		c.queueUp(j, -count)
		c.count(octaskly.Cancelled, count)
		c.batch.ends.add(octaskly.Cancelled, octaskly.ReasonCancelled, count)
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
	return d.apply(ctx, who, what, fmt.Sprintf("signal %d", number), perEvent, func(c *core, ids []octaskly.JobID, done func(octaskly.JobID, int64)) error {
		for _, id := range ids {
			done(id, c.signal(id, what.Elements, number))
		}
		return nil
	})
}

// signal says how many tasks it reached. Where any runs, the job is in memory.
func (c *core) signal(id octaskly.JobID, elements octaskly.Ranges, number int) (n int64) {
	j := c.jobs[id]
	if j == nil {
		return 0
	}
	for _, t := range j.tasks(elements) {
		w := c.workers[t.Worker]
		if t.State != octaskly.Running || w == nil || w.session == nil {
			continue
		}
		frame := c.frame(w)
		frame.Signal = append(frame.Signal, protocol.Signal{ID: t.Current(), Number: number})
		n++
	}
	return n
}

// perEvent bounds the jobs that one event changes: others are served in between.
// Retries read twice for each.
const (
	perEvent  = 250
	perReview = perEvent / 5
)

// apply lets do work on the selected jobs, n at a time, and say of each how many
// tasks it reached. It returns when all that is on disk, and in the audit log with
// more words on it.
func (d *Dispatcher) apply(ctx context.Context, who api.Caller, what api.Selection, more string, n int,
	do func(c *core, ids []octaskly.JobID, done func(octaskly.JobID, int64)) error) (out api.Outcome, err error) {
	about(who, target(what))
	ids, err := d.selected(ctx, who, what)
	if err != nil {
		return out, err
	}
	if what.Last {
		about(who, ids[0].String())
	}
	for len(ids) > 0 {
		some := ids[:min(n, len(ids))]
		ids = ids[len(some):]
		before, last := out.Done, len(ids) == 0
		act := deed(who, more)
		part, err := ask(ctx, d, func(c *core, reply func(api.Outcome, error)) {
			var part api.Outcome
			err := do(c, some, func(id octaskly.JobID, n int64) {
				if part.Done += n; n == 0 {
					part.Already = append(part.Already, label(id, what.Elements))
				}
			})
			if err != nil {
				reply(part, err)
				return
			}
			if last && act != nil {
				act.Detail = reached(before+part.Done, act.Detail)
				c.write(act)
			}
			c.batch.after(func(err error) { reply(part, err) })
		})
		out.Done, out.Already = out.Done+part.Done, append(out.Already, part.Already...)
		if err != nil {
			return out, err
		}
		if last {
			wrote(who, act)
		}
	}
	return out, nil
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
