package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

func (s *session) cancelCommand() *cli.Command {
	return &cli.Command{
		Name:    "cancel",
		Aliases: []string{"kill"},
		Usage:   "end jobs or elements before they end by themselves",
		Description: "Takes queued tasks out of the queue and ends running ones: TERM, a grace period, then\n" +
			"KILL for every process of the command. It returns when the wish is on disk; running\n" +
			"tasks end a little later, see octasklyctl wait. On a terminal, all is asked about.",
		ArgsUsage: "[FLAG…] ID…",
		UsageText: "octasklyctl cancel 42\noctasklyctl cancel --reason 'wrong input' 42.100-999\noctasklyctl cancel all --yes",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "keep `TEXT` with the tasks, for whoever asks why"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "all-users", Usage: "with all: of every user (for admins)"},
		},
		Action: s.cancel,
	}
}

func (s *session) cancel(c *cli.Context) error {
	words, everyone := c.Args().Slice(), c.Bool("all-users")
	if err := selectors(words); err != nil {
		return err
	}
	all := slices.Contains(words, "all")
	if everyone && !all {
		return usagef("cannot use --all-users without the selector all")
	}
	if all && !c.Bool("yes") {
		if err := s.confirm(c.Context, everyone); err != nil {
			return err
		}
	}
	return s.change(c.Context, selectorsOf(words, everyone), change{
		done: "cancelled", cannot: "is already over", live: "is being cancelled already",
		apply: func(ctx context.Context, what client.Selector) (*api.Outcome, error) {
			return s.client.Cancel(ctx, what, c.String("reason"))
		},
	})
}

// confirm asks on a terminal whether all jobs are meant.
func (s *session) confirm(ctx context.Context, everyone bool) error {
	if _, ok := terminal(s.stdin); !ok {
		return nil
	}
	whose := "your jobs that are not over"
	if everyone {
		whose = "the jobs of all users that are not over"
	} else if jobs, err := s.client.Jobs(ctx, client.Query{Select: "all", Limit: api.MaxLimit}); err != nil {
		return err
	} else if n := len(jobs); n < api.MaxLimit {
		whose = "your " + plural(int64(n), "job") + " that are not over"
	}
	fmt.Fprintf(s.stderr, "octasklyctl: cancel all of %s? [y/N] ", whose)
	answer, _ := bufio.NewReader(s.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	s.note("nothing was cancelled")
	return exits(exitError)
}
