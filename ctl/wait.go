package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/units"
)

func (s *session) waitCommand() *cli.Command {
	return &cli.Command{
		Name:  "wait",
		Usage: "wait for the end of jobs or elements",
		Description: "Waits until all that is named is over, and never cancels it. Of one task it exits with\n" +
			"the task's own code, of several with 0 if all completed, else 1.",
		ArgsUsage: "[FLAG…] ID…",
		UsageText: "octasklyctl wait 42\noctasklyctl wait --timeout 10m all || echo 'not all is well'",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "timeout", Usage: "give up after `TIME`, such as 90s or 1h30m, with exit code 124"},
		},
		Action: s.wait,
	}
}

func (s *session) wait(c *cli.Context) error {
	patience, limited, err := durationFlag(c, "timeout")
	if err != nil {
		return err
	}
	ctx := c.Context
	if limited {
		expired := &exitStatus{exitWaited, errors.New("cannot wait any longer: not all is over after " + units.Duration(patience).String())}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, max(patience, firstAnswer), expired)
		defer cancel()
	}
	targets, err := s.targets(ctx, c.Args().Slice())
	if err != nil {
		return err
	}
	return s.await(ctx, targets, func(jobs []*api.Job) error {
		list := api.Jobs{Tasks: make([]api.Job, len(jobs))}
		for i, job := range jobs {
			list.Tasks[i] = *job
		}
		return s.printJSON(list)
	})
}

// firstAnswer is how long wait waits for a first answer, whatever its --timeout:
// --timeout 0 asks whether all is over.
const firstAnswer = 500 * time.Millisecond

// watchers bounds how many jobs are watched at a time.
const watchers = 16

// await waits for targets, says what did not go well and returns the exit code
// as an error. With -o json, print shows the jobs.
func (s *session) await(ctx context.Context, targets []target, print func([]*api.Job) error) error {
	in := catchInterrupts(ctx)
	defer in.stop()
	w := newWaiting(targets)
	stop := s.showProgress(s.newScreen(), &w.progress)
	err := w.all(in.soft, s)
	stop()
	switch {
	case errors.Is(context.Cause(in.soft), errInterrupted):
		return exits(exitInterrupted)
	case err != nil:
		return err
	}
	if s.output == outputJSON {
		if err := print(w.jobs); err != nil {
			return err
		}
	}
	s.explain(ctx, w.jobs)
	return exits(exitOf(w.jobs))
}

// waiting is the jobs and elements that somebody waits for.
type waiting struct {
	targets  []target
	progress progress

	mu    sync.Mutex
	jobs  []*api.Job // the latest that is known of each target
	tally tally      // their sum
}

func newWaiting(targets []target) *waiting {
	w := &waiting{targets: targets, jobs: make([]*api.Job, len(targets))}
	for i, t := range targets {
		w.tally.total++ // one that is not known yet counts as one
		if t.job != nil {
			w.note(i, t.job)
		}
	}
	return w
}

// note takes in what target i has become.
func (w *waiting) note(i int, job *api.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := tally{total: 1}
	if w.jobs[i] != nil {
		before = tallyOf(w.jobs[i])
	}
	w.jobs[i] = job
	w.tally = w.tally.plus(tallyOf(job)).minus(before)
	w.progress.update(w.tally)
}

// all returns when every target is over, or one cannot be watched.
func (w *waiting) all(ctx context.Context, s *session) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(watchers)
	for i, t := range w.targets {
		if t.job != nil && t.job.State.Terminal() {
			continue
		}
		group.Go(func() error { return w.one(ctx, s, i) })
	}
	return group.Wait()
}

// one returns when target i is over.
func (w *waiting) one(ctx context.Context, s *session, i int) error {
	t := w.targets[i]
	watch := func() error {
		return s.client.Watch(ctx, t.id, func(job *api.Job) error {
			w.note(i, job)
			return nil
		})
	}
	if t.job == nil && !t.known {
		return watch() // to wait for a dispatcher that has never answered helps nobody
	}
	return s.outage.persist(ctx, watch)
}
