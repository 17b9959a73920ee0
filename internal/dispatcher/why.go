package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Why explains where a job or one element of an array is, and what would change that.
func (d *Dispatcher) Why(ctx context.Context, who api.Caller, id octaskly.TaskID) (*api.Why, error) {
	for range maxWhys {
		detail, spec, err := d.look(ctx, who, id)
		if err != nil {
			return nil, err
		}
		var why *api.Why
		if detail.State.Terminal() {
			why = &api.Why{State: detail.State, End: howEnded(detail)}
		} else if why, err = consult(ctx, d, func(c *core) (*api.Why, error) { return c.why(id, detail, spec, time.Now()), nil }); err != nil {
			return nil, err
		}
		if why == nil { // it has ended since
			if err := d.settle(ctx); err != nil {
				return nil, err
			}
			continue
		}
		why.ID = detail.ID
		tell := words{Why: why, detail: detail, now: time.Now()}
		why.Text, why.Try = tell.paragraph(), tell.try()
		return why, nil
	}
	return nil, fmt.Errorf("cannot say why task %v is where it is: it does not rest: %w", id, octaskly.ErrUnavailable)
}

// maxWhys bounds how often a task is looked at that has changed between two looks.
const maxWhys = 10

// settle returns when what the core knows is on disk.
func (d *Dispatcher) settle(ctx context.Context) error {
	_, err := ask(ctx, d, func(c *core, reply func(struct{}, error)) {
		c.batch.after(func(err error) { reply(struct{}{}, err) })
	})
	return err
}

// why is what only the core knows of a task that is not over; nil: it is by now.
func (c *core) why(id octaskly.TaskID, detail *api.Detail, spec *octaskly.Spec, at time.Time) *api.Why {
	why := &api.Why{State: detail.State}
	if j := c.jobs[id.Job]; j == nil && (!c.backlog.more() || id.Job <= c.backlog.after) {
		return nil
	}
	j, leave := c.inLine(id, detail.Owner, spec)
	defer leave()
	var t *task
	if one := id.Array || !j.Array; one {
		if t = j.live[id.Index]; t != nil {
			why.State = t.State
		} else if c.jobs[id.Job] != nil && !j.progress.Unclaimed.Contains(id.Index) {
			return nil
		}
	}
	switch {
	case t != nil && withWorker(t.State):
		why.With = c.with(t, spec)
	case t == nil && detail.State != octaskly.Queued && detail.Counts[octaskly.Queued.String()] == 0:
		// all of an array has left the queue
	default:
		why.Holds = c.holds(j, t, at)
		why.Ahead = c.ahead(j, t, id)
		why.Workers = c.blocked(j)
	}
	return why
}

// inLine finds the job of a task. One that is over by now, or on disk alone, is made
// up until leave is called.
func (c *core) inLine(id octaskly.TaskID, owner string, spec *octaskly.Spec) (j *job, leave func()) {
	if j := c.jobs[id.Job]; j != nil {
		return j, func() {}
	}
	j = &job{sched: c.queue.NewJob(id.Job, owner, 0, spec.Room, spec.Needs)}
	j.ID, j.Owner, j.Array = id.Job, owner, id.Array
	j.sched.Waiting = 1
	j.sched.Later = c.backlog.more() && id.Job > c.backlog.after
	return j, func() { c.queue.Forget(j.sched) }
}

// holds is what keeps a job, or a task of it, in the queue whatever workers there are.
func (c *core) holds(j *job, t *task, at time.Time) (holds []api.WhyHold) {
	if t != nil && !t.due && t.State == octaskly.Queued && t.dueAt.After(at) {
		until := now().Add(t.dueAt.Sub(at))
		holds = append(holds, api.WhyHold{Why: "backoff", Until: &until})
	}
	if !c.aloneAt.IsZero() && slices.Contains(j.sched.Needs(), octaskly.AtMostOne) {
		holds = append(holds, api.WhyHold{Why: "alone", Until: moment(now().Add(c.aloneAt.Sub(at)))})
	}
	for _, h := range j.sched.Holds() {
		holds = append(holds, api.WhyHold{Why: string(h.Why), Most: h.Most, Has: h.Has})
	}
	if t != nil && t.Missed() {
		holds = append(holds, api.WhyHold{Why: "missed", Worker: c.known(t.Worker).Name})
	}
	return holds
}

// ahead is the place of a task in the queue; nil: it has none yet.
func (c *core) ahead(j *job, t *task, id octaskly.TaskID) *api.WhyAhead {
	if t != nil && !t.due {
		return nil
	}
	jobs, tasks := c.queue.Ahead(j.sched)
	ahead := &api.WhyAhead{Jobs: jobs, Tasks: tasks, Least: j.sched.Later}
	if !id.Array {
		return ahead
	}
	for _, other := range j.again {
		if t == nil || other.Index < t.Index {
			ahead.Tasks++
		}
	}
	if below, _ := j.progress.Unclaimed.Divide(octaskly.Span(0, max(0, id.Index-1))); t == nil && id.Index > 0 {
		ahead.Tasks += below.Count()
	}
	return ahead
}

// with is the worker of a task that is assigned or runs.
func (c *core) with(t *task, spec *octaskly.Spec) *api.WhyWith {
	w := c.known(t.Worker)
	line := w.describe()
	with := &api.WhyWith{
		Worker: w.Name, State: line.State, SeenAt: line.SeenAt, Attempt: t.Attempt, Since: t.AssignedAt,
		Slots: w.Slots, Busy: line.Running,
	}
	if t.State == octaskly.Running {
		with.Since = t.StartedAt
		if spec.Timeout > 0 {
			with.EndsBy = moment(t.StartedAt.Add(spec.Timeout))
		}
	}
	if w.session == nil && !w.Left {
		with.GivenUp = moment(now().Add(time.Until(w.leaseEnd)))
	}
	if t.usage != nil {
		with.Usage = usage(t.usage)
	}
	return with
}
