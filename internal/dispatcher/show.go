package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// Show tells all that is known of a job or of one element of an array job.
func (d *Dispatcher) Show(ctx context.Context, who api.Caller, id octaskly.TaskID) (*api.Detail, error) {
	detail, spec, err := d.look(ctx, who, id)
	if err != nil {
		return nil, err
	}
	one := []api.Job{detail.Job}
	if err := d.foretell(ctx, one); err != nil {
		return nil, err
	}
	detail.Job = one[0]
	return detail, d.explain(ctx, detail, spec, id)
}

// look tells what the store knows.
func (d *Dispatcher) look(ctx context.Context, who api.Caller, id octaskly.TaskID) (*api.Detail, *octaskly.Spec, error) {
	record, err := d.record(ctx, who, id.Job)
	if err != nil {
		return nil, nil, err
	}
	job, spec := d.summary(record)
	detail := &api.Detail{Job: job, Submission: submission(&record.Job, spec)}
	if record.Job.Array && !id.Array {
		detail.Queued = record.Progress.Unclaimed.String()
		detail.Dropped = record.Progress.Dropped.String()
		detail.Failed, err = d.Elements(ctx, who, id.Job, failedStates, 0, maxFailed)
		return detail, spec, err
	}
	t, err := d.task(ctx, record, id)
	if err != nil {
		return nil, nil, err
	}
	if id.Array {
		detail.ID, detail.Array, detail.Tasks = id.String(), "", 1
		detail.Counts = map[string]int64{t.State.String(): 1}
		detail.EndedAt, detail.Exit = nil, nil
		d.fill(&detail.Job, t)
	}
	detail.Failures, detail.NotBefore, detail.Cancelling = t.Failures, moment(t.NotBefore), t.Cancel
	detail.Attempts, err = d.attempts(ctx, t)
	if err == nil && recordLost(t, len(detail.Attempts)) {
		detail.Detail = strings.TrimPrefix(detail.Detail+"; "+lostRecord, "; ")
	}
	return detail, spec, err
}

// maxFailed is how many elements a job's page names.
const maxFailed = 20

var failedStates = []octaskly.State{octaskly.Failed, octaskly.TimedOut}

// task finds one element, with or without a row.
func (d *Dispatcher) task(ctx context.Context, r *store.Record, id octaskly.TaskID) (*octaskly.Task, error) {
	if id.Array != r.Job.Array && id.Array || !r.Job.Elements.Contains(id.Index) {
		return nil, fmt.Errorf("cannot find task %v: job %v has no such element: %w", id, id.Job, octaskly.ErrNotFound)
	}
	if r.Task != nil {
		return r.Task, nil
	}
	t, err := d.store.Task(ctx, id.Job, id.Index)
	if errors.Is(err, octaskly.ErrNotFound) {
		return dropped(r, id.Index), d.removed(ctx, r, id.Index)
	}
	return t, err
}
