package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// goneError says that something was there and is not there any more.
type goneError struct{ what string }

func (e *goneError) Error() string { return e.what }
func (e *goneError) Unwrap() error { return octaskly.ErrGone }

// missing says why a job cannot be had: it is gone, or has never been.
func (d *Dispatcher) missing(id octaskly.JobID, why error) error {
	if errors.Is(why, octaskly.ErrNotFound) && d.store.Given(id) {
		return &goneError{fmt.Sprintf("cannot find task %v: %s", id, d.whyGone())}
	}
	return fmt.Errorf("cannot find task %v: %w", id, why)
}

// whyGone is all that can be said of a job that is not there: a database that was
// lost in part does not tell what was in it.
func (d *Dispatcher) whyGone() string {
	if at := d.store.Divided(); !at.IsZero() {
		return fmt.Sprintf("it ended and is no longer kept (retention), or it was lost when the database was damaged, or an older one restored, on %s",
			at.Local().Format(time.DateOnly))
	}
	return "it ended and is no longer kept (retention)"
}

// lostRecord is said of a task whose attempts are gone, and it is not.
const lostRecord = "its record was lost when the database was damaged"

// recordLost reports whether a task that is over has had attempts of which none is
// left. What was cancelled before it began may have had none.
func recordLost(t *octaskly.Task, attempts int) bool {
	return attempts == 0 && t.Attempt > 0 && t.State.Terminal() && (t.State != octaskly.Cancelled || !t.StartedAt.IsZero())
}

// mute is an error where a task's output was lost with its record.
func (d *Dispatcher) mute(ctx context.Context, t *octaskly.Task, id octaskly.TaskID) error {
	if !t.State.Terminal() {
		return nil
	}
	ended, err := d.store.Attempts(ctx, id.Job, id.Index)
	if err != nil || !recordLost(t, len(ended)) {
		return err
	}
	if _, err := d.jobOf(ctx, id.Job); err != nil {
		return err // all of it has been removed meanwhile
	}
	return &goneError{fmt.Sprintf("cannot read the output of task %v: %s", id, lostRecord)}
}

// removed is an error where a task has no row and must have had one: its job has
// been removed since r was read.
func (d *Dispatcher) removed(ctx context.Context, r *store.Record, i octaskly.Index) error {
	if r.Progress.Unclaimed.Contains(i) || r.Progress.Dropped.Contains(i) {
		return nil
	}
	_, err := d.jobOf(ctx, r.Job.ID)
	return err
}

// jobOf finds a job for whoever may see it.
func (d *Dispatcher) jobOf(ctx context.Context, id octaskly.JobID) (*store.Record, error) {
	record, err := d.store.Job(ctx, id)
	if errors.Is(err, octaskly.ErrNotFound) && d.store.Given(id) {
		record, err = d.store.Job(ctx, id) // it may have come just after the first look
	}
	if err != nil {
		return nil, d.missing(id, err)
	}
	return record, nil
}
