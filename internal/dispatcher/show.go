package dispatcher

import (
	"context"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/scheduler"
	"github.com/octaskly/octaskly/internal/store"
)

// Show tells all that is known of a job or of one element of an array job.
func (d *Dispatcher) Show(ctx context.Context, who api.Caller, id octaskly.TaskID) (*api.Detail, error) {
	record, err := d.record(ctx, who, id.Job)
	if err != nil {
		return nil, err
	}
	job, spec, err := d.summary(record)
	if err != nil {
		return nil, err
	}
	detail := &api.Detail{Job: job, Submission: submission(&record.Job, spec)}
	if record.Job.Array && !id.Array {
		detail.Queued = record.Progress.Unclaimed.String()
		detail.Dropped = record.Progress.Dropped.String()
		if detail.Failed, err = d.Elements(ctx, who, id.Job, failedStates, 0, maxFailed); err != nil {
			return nil, err
		}
		return detail, d.explain(ctx, detail, id.Job)
	}
	t, err := d.task(ctx, record, id)
	if err != nil {
		return nil, err
	}
	if id.Array {
		detail.ID, detail.Array, detail.Tasks = id.String(), "", 1
		detail.Counts = map[string]int64{t.State.String(): 1}
		detail.EndedAt, detail.Exit = nil, nil
		d.fill(&detail.Job, t)
	}
	detail.Failures, detail.NotBefore, detail.Cancelling = t.Failures, moment(t.NotBefore), t.Cancel
	if detail.Attempts, err = d.attempts(ctx, t); err != nil {
		return nil, err
	}
	return detail, d.explain(ctx, detail, id.Job)
}

// maxFailed is how many elements a job's page names.
const maxFailed = 20

var failedStates = []octaskly.State{octaskly.Failed, octaskly.TimedOut}

// explain says what queued tasks wait for.
func (d *Dispatcher) explain(ctx context.Context, detail *api.Detail, id octaskly.JobID) (err error) {
	if detail.State == octaskly.Queued {
		detail.Waits, err = ask(ctx, d, func(c *core, reply func(string, error)) { reply(c.waits(id), nil) })
	}
	return err
}

// waits is why the queued tasks of a job are not with a worker.
func (c *core) waits(id octaskly.JobID) string {
	j := c.jobs[id]
	switch {
	case j == nil:
		return ""
	case len(c.present) == 0:
		return "no worker is connected"
	case !scheduler.CouldEver(j.sched, c.present):
		return "no connected worker has what it asks for"
	case j.sched.Waiting == 0 && j.sched.Active == 0:
		return "its time has not come"
	case j.AtOnce > 0 && j.sched.Active >= int64(j.AtOnce):
		return "as many of its tasks run as may at once"
	}
	return "workers are busy"
}

// task finds one element, with or without a row.
func (d *Dispatcher) task(ctx context.Context, r *store.Record, id octaskly.TaskID) (*octaskly.Task, error) {
	if id.Array != r.Job.Array && id.Array || !r.Job.Elements.Contains(id.Index) {
		return nil, fmt.Errorf("cannot find task %v: job %v has no such element: %w", id, id.Job, octaskly.ErrNotFound)
	}
	t, err := d.store.Task(ctx, id.Job, id.Index)
	if errors.Is(err, octaskly.ErrNotFound) {
		return dropped(r, id.Index), nil
	}
	return t, err
}

// attempts lists what has ended and what has not.
func (d *Dispatcher) attempts(ctx context.Context, t *octaskly.Task) ([]api.Attempt, error) {
	ended, err := d.store.Attempts(ctx, t.Job, t.Index)
	if err != nil {
		return nil, err
	}
	list := make([]api.Attempt, 0, len(ended)+1)
	for i := range ended {
		list = append(list, d.attempt(&ended[i]))
	}
	if withWorker(t.State) {
		list = append(list, api.Attempt{
			Number: t.Attempt, State: t.State, Worker: d.names.get(t.Worker),
			AssignedAt: t.AssignedAt, StartedAt: moment(t.StartedAt),
		})
	}
	return list, nil
}

func (d *Dispatcher) attempt(a *octaskly.Attempt) api.Attempt {
	return api.Attempt{
		Number: a.ID.Number, State: a.End.State, Reason: a.End.Reason, Detail: a.End.Detail,
		Worker: d.names.get(a.Worker), AssignedAt: a.AssignedAt,
		StartedAt: moment(a.End.StartedAt), EndedAt: moment(a.End.EndedAt),
		CPUTime: api.Seconds(a.End.CPUTime), MaxRSS: a.End.MaxRSS,
		Stdout: a.End.Output.Stdout, Stderr: a.End.Output.Stderr, Discarded: a.End.Output.Discarded,
		Leftover: a.End.Leftover,
	}
}

// submission is a job in the words in which it could be submitted again.
func submission(j *octaskly.Job, spec *octaskly.Spec) api.Submission {
	backoff := api.Seconds(spec.Backoff)
	s := api.Submission{
		Name: j.Name, Argv: texts(spec.Argv), Env: texts(spec.Env), Cwd: api.Text(spec.Dir),
		Stdin: spec.Stdin, Items: spec.Items, AtOnce: j.AtOnce,
		Timeout: api.Seconds(spec.Timeout), Retries: spec.Retries, Backoff: &backoff, Merge: spec.Merge,
		CPUs: float64(spec.Room[octaskly.CPU]) / 1000, Memory: spec.Room[octaskly.Memory], Key: j.Key,
	}
	if j.Array {
		s.Array = j.Elements.String()
	}
	return s
}
