package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

func (s *session) workerDrainCommand() *cli.Command {
	return &cli.Command{
		Name:  "drain",
		Usage: "keep new tasks from workers, before they are stopped or repaired",
		Description: "Keeps new tasks from workers until octasklyctl worker resume, whatever restarts in\n" +
			"between. What a worker has not started yet, it gives back; what runs there goes on. With\n" +
			"a deadline, what still runs by then is stopped, and runs again elsewhere: that counts\n" +
			"neither as a failure nor as a loss. Who drained a worker, when and why is kept, and shown\n" +
			"by octasklyctl worker ls and show. To drain again replaces reason and deadline. It is for\n" +
			"admins: root, and the user that the dispatcher runs as.",
		ArgsUsage: "[FLAG…] NAME|ID…",
		UsageText: "octasklyctl worker drain --reason 'new disk' w1\noctasklyctl worker drain --deadline 10m w1 w2",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "deadline", Usage: "stop after `TIME`, such as 10m, what still runs then; 0 stops it now"},
			&cli.StringFlag{Name: "reason", Usage: "keep `TEXT` with the worker, for whoever asks why"},
		},
		Action: func(c *cli.Context) error {
			how := api.DrainRequest{Reason: c.String("reason")}
			deadline, given, err := durationFlag(c, "deadline")
			if err != nil {
				return err
			}
			if given {
				how.Deadline = (*api.Seconds)(&deadline)
			}
			return s.changeWorkers(c, func(ctx context.Context, name string) (*api.Worker, error) {
				return s.client.Drain(ctx, name, how)
			}, drainedText)
		},
	}
}

func (s *session) workerResumeCommand() *cli.Command {
	return &cli.Command{
		Name:        "resume",
		Usage:       "let drained workers have tasks again",
		Description: "Ends what octasklyctl worker drain began: the workers get new tasks again. It is for admins.",
		ArgsUsage:   "NAME|ID…",
		UsageText:   "octasklyctl worker resume w1",
		Action: func(c *cli.Context) error {
			return s.changeWorkers(c, s.client.Resume, func(w *api.Worker, _ time.Time) string {
				if w.State != connected {
					return fmt.Sprintf("worker %s gets tasks again when it is back; it is %s", w.Name, w.State)
				}
				return fmt.Sprintf("worker %s gets tasks again", w.Name)
			})
		},
	}
}

func (s *session) workerRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:    "remove",
		Aliases: []string{"rm"},
		Usage:   "forget workers, and let them in no more",
		Description: "Forgets workers. One that is connected loses its connection, at once; its certificate is\n" +
			"revoked, and nothing lets that machine in again but octasklyctl worker approve NAME. What it\n" +
			"had runs again elsewhere at once, without waiting for the end of a lease: be sure that it\n" +
			"does not run any more, or drain the worker before. (Tasks submitted with --at-most-one wait\n" +
			"for the lease.) It is for admins.",
		ArgsUsage: "NAME|ID…",
		UsageText: "octasklyctl worker remove w1",
		Action: func(c *cli.Context) error {
			return s.changeWorkers(c, s.client.RemoveWorker, func(w *api.Worker, _ time.Time) string {
				return fmt.Sprintf("worker %s is forgotten; what it had runs elsewhere", w.Name)
			})
		},
	}
}

// changeWorkers does something to each worker that is named, and says so.
func (s *session) changeWorkers(c *cli.Context, apply func(context.Context, string) (*api.Worker, error), says func(*api.Worker, time.Time) string) error {
	names := c.Args().Slice()
	if len(names) == 0 {
		return withHint(usagef("the name of a worker is missing"), "octasklyctl worker ls lists the workers there are")
	}
	for _, name := range names {
		worker, err := apply(c.Context, name)
		if err != nil {
			return s.aboutWorker(err, c.Command.Name, name)
		}
		if s.output == outputJSON {
			err = s.printJSON(worker)
		}
		if err != nil {
			return err
		}
		s.note("%s", says(worker, time.Now()))
	}
	return nil
}

// aboutWorker adds to an error of a command what to type next.
func (s *session) aboutWorker(err error, command, name string) error {
	switch {
	case errors.Is(err, octaskly.ErrNotFound):
		return withHint(err, "octasklyctl worker ls lists the workers there are")
	case errors.Is(err, octaskly.ErrDenied) && s.context != nil:
		return s.notAdmin(err)
	case errors.Is(err, octaskly.ErrDenied):
		return withHint(err, "sudo octasklyctl worker %s %s", command, quote(name))
	}
	return err
}

// drainedText says what a drain has done so far.
func drainedText(w *api.Worker, now time.Time) string {
	text := fmt.Sprintf("worker %s gets no new tasks", w.Name)
	busy := int64(w.Running + w.Assigned)
	if busy == 0 {
		return text + "; nothing runs there"
	}
	text += "; it still has " + plural(busy, "task")
	if w.Drain == nil || w.Drain.Deadline == nil {
		return text + fmt.Sprintf(", and all the time for that; octasklyctl worker show %s tells how many are left", quote(w.Name))
	}
	if left := w.Drain.Deadline.Sub(now).Round(time.Second); left > 0 {
		return text + fmt.Sprintf("; what runs in %v is stopped then, and runs elsewhere", units.Duration(left))
	}
	return text + "; what runs is stopped now, and runs elsewhere"
}
