package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) submitCommand() *cli.Command {
	return &cli.Command{
		Name:  "submit",
		Usage: "queue a command and print its id",
		Description: "Queues a command, or one for each element of an array, and prints the id of the job\n" +
			"once it is safe on the dispatcher's disk. The command begins at -- or at the first word\n" +
			"that is no flag and is run as it stands, without a shell, in an empty workspace of its\n" +
			"own. With --wait it then does as octasklyctl wait does.",
		ArgsUsage: "[FLAG…] [--] COMMAND [ARG…]",
		UsageText: "octasklyctl submit --stdin data.csv -- sort -u\n" +
			"octasklyctl submit --array 0-99%4 --retries 3 --shell 'echo \"this is $OCTASKLY_ARRAY_INDEX\"'\n" +
			"octasklyctl submit --each-line urls.txt --network host --shell 'curl -fsSO \"$OCTASKLY_ITEM\"'",
		Flags:  append(taskFlags(), &cli.BoolFlag{Name: "wait", Usage: "wait for the end, and exit as octasklyctl wait does"}),
		Action: s.submit,
	}
}

func (s *session) submit(c *cli.Context) error {
	sub, err := s.readSubmission(c)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := s.upload(c.Context, sub); err != nil {
		return err
	}
	accepted, id, err := s.accept(c.Context, sub)
	if err != nil {
		return err
	}
	if s.output != outputJSON {
		err = s.print("%s\n", accepted.ID)
	} else if !c.Bool("wait") {
		err = s.printJSON(accepted)
	}
	if err != nil || !c.Bool("wait") {
		return err
	}
	return s.await(c.Context, []target{{id: octaskly.TaskID{Job: id}, known: true}}, func(jobs []*api.Job) error {
		return s.printJSON(jobs[0])
	})
}

// upload brings inputs to the dispatcher, unless it has them.
func (s *session) upload(ctx context.Context, sub *submission) error {
	for _, in := range []*input{sub.stdin, sub.items} {
		if in == nil || in.size == 0 {
			continue
		}
		has, err := s.client.HasBlob(ctx, in.hash)
		if err == nil && !has {
			err = s.client.PutBlob(ctx, in.hash, in.file, in.size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// accept submits. When it returns without an error, the job is on disk.
func (s *session) accept(ctx context.Context, sub *submission) (*api.Accepted, octaskly.JobID, error) {
	accepted, err := s.client.Submit(ctx, &sub.Submission)
	switch {
	case errors.Is(err, client.ErrCut) || err != nil && ctx.Err() != nil:
		return nil, 0, withHint(fmt.Errorf("cannot tell whether the job was accepted: %w", brief(err)),
			"octasklyctl ls shows it if it was; with --idempotency-key KEY, submitting again is safe")
	case err != nil:
		return nil, 0, err
	}
	id, err := octaskly.ParseTaskID(accepted.ID)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot use the dispatcher's answer: %w", err)
	}
	if accepted.Repeated {
		s.note("job %v was submitted with this idempotency key before", id)
	}
	return accepted, id.Job, nil
}
