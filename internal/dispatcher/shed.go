package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// shed deletes files of jobs that are over, the oldest job's first, until outputs
// and inputs are well within their bound. The jobs' rows stay.
func (k *collector) shed(ctx context.Context) error {
	bound := k.Retention.Output
	if bound <= 0 || k.filesSize() <= bound {
		return nil
	}
	jobs, err := k.withOutput()
	if err != nil {
		return fmt.Errorf("cannot look through outputs: %w", err)
	}
	line := &shedding{collector: k, outputs: jobs}
	for k.filesSize() > bound-bound/16 {
		if more, err := line.next(ctx); !more || err != nil {
			return err
		}
	}
	return nil
}

// withOutput lists the jobs that have output in files, oldest first.
func (k *collector) withOutput() (jobs []octaskly.JobID, err error) {
	err = each(k.outputs.dir, func(name string) error {
		if job, ok := parseJob(name); ok {
			jobs = append(jobs, job)
		}
		return nil
	})
	slices.Sort(jobs)
	return jobs, err
}

// shedding walks through the jobs that have outputs or inputs in files. Those
// with inputs it has been through it passes over until the next sweep, which may
// be another shedding's.
type shedding struct {
	*collector
	outputs []octaskly.JobID
	inputs  []store.Input
	last    bool // there are no inputs behind these
}

// next sheds the files of the oldest job there is; more is false when there was
// none, or the rest is spared.
func (s *shedding) next(ctx context.Context) (more bool, err error) {
	if err := s.readOn(ctx); err != nil {
		return false, err
	}
	switch out, in := len(s.outputs) > 0, len(s.inputs) > 0; {
	case out && (!in || s.outputs[0] <= s.inputs[0].Job):
		job := s.outputs[0]
		s.outputs = s.outputs[1:]
		return s.shedOutputs(ctx, job)
	case in:
		return s.shedInput(ctx, s.inputs[0])
	}
	return false, nil
}

// readOn reads the next inputs, when there are none left, and nothing of a job of
// which it could not read all.
func (s *shedding) readOn(ctx context.Context) (err error) {
	if len(s.inputs) > 0 || s.last {
		return nil
	}
	if s.inputs, err = s.store.InputsAfter(ctx, s.inputFrom, keptPage); err != nil {
		return err
	}
	if s.last = len(s.inputs) < keptPage; !s.last {
		cut := s.inputs[keptPage-1].Job
		s.inputs = slices.DeleteFunc(s.inputs, func(in store.Input) bool { return in.Job == cut })
	}
	return nil
}

// standing is what shedding makes of a job.
type standing int

const (
	goesOn    standing = iota
	justEnded          // and is spared
	longOver
)

func (s *shedding) standing(ctx context.Context, job octaskly.JobID) (standing, error) {
	fate, ended, err := s.store.Fate(ctx, job)
	switch {
	case fate == store.Removed:
		return longOver, err
	case fate != store.Over:
		return goesOn, err
	case time.Since(ended) <= s.Retention.beat():
		return justEnded, err
	}
	return longOver, err
}

func (s *shedding) shedOutputs(ctx context.Context, job octaskly.JobID) (more bool, err error) {
	if is, err := s.standing(ctx, job); is != longOver || err != nil {
		return err == nil, err
	}
	return true, s.drop(ctx, job)
}

// shedInput deletes an input if the job is the latest that reads it, and no job
// that reads it goes on.
func (s *shedding) shedInput(ctx context.Context, in store.Input) (more bool, err error) {
	is, err := s.standing(ctx, in.Job)
	if err != nil {
		return false, err
	}
	old := is != justEnded
	if is == longOver {
		err = s.step(ctx, func() error {
			old, err = s.blobs.drop(in.Blob, spareRead, func() (bool, error) { return s.useless(ctx, in) })
			return err
		})
	}
	switch {
	case err != nil:
		return false, err
	case !old: // nor are those of the jobs after it
		s.inputs, s.last = nil, true
		return true, nil
	}
	s.inputs = s.inputs[1:]
	if len(s.inputs) == 0 || s.inputs[0].Job > in.Job {
		s.inputFrom = in.Job
	}
	return true, nil
}

func (s *shedding) useless(ctx context.Context, in store.Input) (bool, error) {
	last, err := s.store.LastReader(ctx, in.Blob)
	if last > in.Job || err != nil {
		return false, err
	}
	needed, err := s.store.Needed(ctx, in.Blob)
	return !needed, err
}
