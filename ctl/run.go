package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
)

func (s *session) runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run a command where there is room, as if it ran here",
		Description: "Queues a command, passes its stdout and stderr on as they come, and exits as it does:\n" +
			"124 means that it timed out, 125 that octaskly failed it, 126 that it is not executable,\n" +
			"127 that it was not found, 128+n that signal n ended it. Of an array, the outputs come\n" +
			"in the order of the indices, and the exit code is 0 if all completed, else 1.\n\n" +
			"The command begins at -- or at the first word that is no flag and is run as it stands,\n" +
			"without a shell, in an empty workspace of its own, with nothing on stdin.\n\n" +
			"Ctrl-C cancels the job and waits for its end; a second one leaves at once. If whoever\n" +
			"reads the output goes away (run … | head -1), the job is cancelled too.",
		ArgsUsage: "[FLAG…] [--] COMMAND [ARG…]",
		UsageText: "octasklyctl run -- uname -a\n" +
			"octasklyctl run --timeout 10m --memory 4G -- python3 -c 'print(sum(range(10**8)))' > sum.txt\n" +
			"octasklyctl run --sandbox very-strict --limits strict --stdin data.json -- jq .name\n" +
			"octasklyctl run --each-line words.txt --shell 'printf %s \"$OCTASKLY_ITEM\" | sha256sum'",
		Flags: taskFlags(),
		Action: func(c *cli.Context) error {
			sub, err := s.readSubmission(c)
			if err != nil {
				return err
			}
			defer sub.Close()
			return runFailure(s.runJob(c.Context, sub))
		},
	}
}

// runJob submits a job and stays with it to its end.
func (s *session) runJob(ctx context.Context, sub *submission) error {
	// A write to a pipe that nobody reads is to fail, not to end the program.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	in := catchInterrupts(ctx)
	defer in.stop()
	if err := s.upload(in.soft, sub); err != nil {
		return left(in, err)
	}
	id, err := s.acceptWithin(in, sub)
	if err != nil {
		return err
	}
	r := &running{session: s, interrupts: in, id: id}
	if err := r.attend(); err != nil {
		return r.leave(err)
	}
	return r.end()
}

// left is how run ends before there is a job: an interrupt has no more words.
func left(in *interrupts, err error) error {
	if errors.Is(context.Cause(in.soft), errInterrupted) {
		return exits(exitInterrupted)
	}
	return err
}

// acceptWithin submits, and still does when it is interrupted: a job that has
// been accepted then can be cancelled.
func (s *session) acceptWithin(in *interrupts, sub *submission) (octaskly.JobID, error) {
	ctx, stop := in.within(quitPatience)
	defer stop()
	_, id, err := s.accept(ctx, sub)
	if err != nil && errors.Is(context.Cause(in.soft), errInterrupted) {
		return 0, &exitStatus{exitInterrupted, err}
	}
	return id, err
}

// running is a job that run stays with.
type running struct {
	*session
	*interrupts
	id       octaskly.JobID
	progress progress

	job       *api.Job    // the latest that is known of it
	waits     atomic.Bool // it has, or may have, tasks that are queued
	startedAt time.Time   // its attempt that was seen to run; zero: none was
	given     int         // number of the latest attempt that was said to be given up
	cancelled bool        // the dispatcher knows that it is to be cancelled
	lost      error       // why not all output could be shown
}

// attend returns when the job is over and its output shown.
func (r *running) attend() error {
	sc := r.newScreen()
	stdout, stderr := r.stdout, r.stderr
	if _, ok := terminal(stdout); ok && sc != nil {
		stdout = sc.through(stdout)
	}
	stop := r.showProgress(sc, &r.progress)
	defer stop()

	group, ctx := errgroup.WithContext(r.hard)
	over := make(chan struct{}) // closed when the job is
	group.Go(func() error {
		defer close(over)
		return r.watch(ctx)
	})
	group.Go(func() error { return r.show(ctx, stdout, stderr) })
	group.Go(func() error { return r.cancelWhenQuit(ctx, over) })
	group.Go(func() error { r.tellWaiting(ctx, over); return nil })
	group.Go(func() error { r.tellSlowEnd(ctx, over); return nil })
	return group.Wait()
}

func (r *running) task() octaskly.TaskID { return octaskly.TaskID{Job: r.id} }

func (r *running) watch(ctx context.Context) error {
	return r.outage.persist(ctx, func() error {
		return r.client.Watch(ctx, r.task(), func(job *api.Job) error {
			r.job = job
			r.progress.update(tallyOf(job))
			r.waits.Store(mayWait(job))
			r.tellAgain(ctx, job)
			return nil
		})
	})
}

// show passes the output on. Nobody needs a job whose output cannot be written:
// it is cancelled.
func (r *running) show(ctx context.Context, stdout, stderr io.Writer) error {
	output := r.follow(ctx, r.task(), client.OutputOptions{}, true)
	defer output.Close()
	out, errs := &sink{w: stdout}, &sink{w: stderr}
	discarded, err := spool.Copy(out, errs, output)
	switch broken := errors.Join(out.err, errs.err); {
	case broken != nil:
		r.quit(broken)
		r.lost = err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		r.lost = withHint(fmt.Errorf("cannot show all output of task %v: %w", r.id, err), "octasklyctl logs %v", r.id)
	}
	r.truncated(discarded, r.task())
	return nil
}

// sink keeps the error of its writer apart from those of a reader.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (n int, err error) {
	n, s.err = s.w.Write(p)
	return n, s.err
}

// end is for when the job is over.
func (r *running) end() error {
	switch cause := context.Cause(r.soft); {
	case errors.Is(cause, errInterrupted), errors.Is(cause, syscall.EPIPE):
		return exits(r.quitCode())
	case r.lost != nil:
		return r.lost
	}
	jobs := []*api.Job{r.job}
	if r.output == outputJSON {
		r.talkJSON(runDocument{r.job})
	}
	r.explain(r.hard, jobs)
	return exits(exitOf(jobs))
}

// runDocument is what run -o json says on stderr of a job that is over: stdout
// is the command's.
type runDocument struct {
	Job *api.Job `json:"job"`
}
