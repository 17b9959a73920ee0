package main

import (
	"cmp"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/tui"
)

func (s *session) topCommand() *cli.Command {
	return &cli.Command{
		Name:  "top",
		Usage: "watch workers, tasks and events on the whole terminal",
		Description: "Shows what is going on, as it happens: the workers and how busy they are, the tasks and\n" +
			"how far they are, and the events. Enter shows all of one, with the output of a task as it\n" +
			"is written; c cancels, r retries, d drains a worker, after a question. ? lists the keys,\n" +
			"q ends it. Colours are left out where NO_COLOR is set. It needs a terminal of 60 columns\n" +
			"and 15 lines or more; for programs there are stats, ls, worker ls and events, with -o json.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl top\noctasklyctl --context prod top",
		Action:    s.top,
	}
}

func (s *session) top(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	if s.output != outputTable {
		return withHint(usagef("cannot use -o %s with top: it draws on a terminal", s.output), "octasklyctl stats -o %s", s.output)
	}
	_, in := terminal(s.stdin)
	_, out := terminal(s.stdout)
	if !in || !out {
		return withHint(usagef("cannot run top here: it needs a terminal"), "octasklyctl stats")
	}
	screen, err := tui.OpenScreen()
	if err != nil {
		return withHint(usagef("cannot run top here: %v", err), "octasklyctl stats")
	}
	quiet := func(error) {} // nobody else writes on the screen
	s.client.Notice, s.client.Held = quiet, quiet
	err = tui.Run(c.Context, screen, s.client, tui.Options{Where: s.where(), Plain: tui.PlainWanted()})
	if signalled, ok := errors.AsType[tui.Signalled](err); ok {
		return exits(128 + int(signalled.Signal))
	}
	return err
}

// where is whom the session talks to.
func (s *session) where() string {
	if s.context != nil {
		return cmp.Or(s.context.Name, s.context.URL)
	}
	socket, err := s.client.Address()
	if err != nil {
		return ""
	}
	return socket
}
