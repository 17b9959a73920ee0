package main

import "github.com/urfave/cli/v2"

func (s *session) retryCommand() *cli.Command {
	return &cli.Command{
		Name:  "retry",
		Usage: "run tasks again that did not complete",
		Description: "Queues those tasks of jobs, or elements, again that failed, timed out or were\n" +
			"cancelled. What completed stays as it is; earlier attempts are kept.",
		ArgsUsage: "ID…",
		UsageText: "octasklyctl retry 42\noctasklyctl retry 42.7",
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if err := selectors(words); err != nil {
				return err
			}
			return s.change(c.Context, selectorsOf(words, false), change{
				done: "queued again", cannot: "cannot be retried", apply: s.client.Retry,
			})
		},
	}
}
