package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

func (s *session) signalCommand() *cli.Command {
	return &cli.Command{
		Name:  "signal",
		Usage: "send running tasks a signal",
		Description: "Sends the running tasks of a job, or elements, a signal: a name such as TERM or\n" +
			"SIGUSR1, or a number. To end tasks for good, see octasklyctl cancel.",
		ArgsUsage: "ID SIGNAL",
		UsageText: "octasklyctl signal 42 HUP\noctasklyctl signal 42.7 10",
		Action:    s.signal,
	}
}

func (s *session) signal(c *cli.Context) error {
	words := c.Args().Slice()
	if len(words) != 2 {
		return usagef("signal takes an id and a signal, as in: octasklyctl signal 42 TERM")
	}
	if err := selectors(words[:1]); err != nil {
		return err
	}
	signal, err := api.ParseSignal(words[1])
	if err != nil {
		return usagef("%v", err)
	}
	return s.change(c.Context, selectorsOf(words[:1], false), change{
		done: "signalled", cannot: "is not running",
		apply: func(ctx context.Context, what client.Selector) (*api.Outcome, error) {
			return s.client.Signal(ctx, what, signal)
		},
	})
}
