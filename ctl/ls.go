package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) lsCommand() *cli.Command {
	return &cli.Command{
		Name:    "ls",
		Aliases: []string{"ps", "status"},
		Usage:   "list jobs",
		Description: "Lists your jobs, the latest first: those that are not over and the last few that\n" +
			"ended. An admin sees everyone's. Of an array that goes on, RESULT says how far it is, how many of its\n" +
			"tasks end in a second, and how long the rest takes at that. On a terminal, a line below sums up\n" +
			"what runs, what waits and for what; octasklyctl why tells of one task.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl ls\noctasklyctl ls -a --state failed --state timed_out\noctasklyctl ls -o json | jq -r '.tasks[] | .id'",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also those that ended long ago"},
			&cli.StringSliceFlag{Name: "state", Usage: "only those in `STATE`: queued, assigned, running, completed, failed, timed_out or cancelled; may be repeated"},
			&cli.StringFlag{Name: "limit", Usage: "at most `N` of them"},
		},
		Action: s.ls,
	}
}

// maxListed bounds --limit.
const maxListed = 1_000_000

func (s *session) ls(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	limit, err := countFlag(c, "limit", 1, maxListed)
	if err != nil {
		return err
	}
	q := client.Query{All: c.Bool("all")}
	for _, name := range c.StringSlice("state") {
		state, err := octaskly.ParseState(name)
		if err != nil {
			return badFlag("state", err)
		}
		q.States = append(q.States, state)
	}
	jobs, err := s.list(c, q, limit)
	if err != nil {
		return err
	}
	return s.writeList(c.Context, jobs)
}

// list asks once for a list that is not of all jobs: it has two parts, which
// cannot be paged through.
func (s *session) list(c *cli.Context, q client.Query, limit int) ([]api.Job, error) {
	if q.All || len(q.States) > 0 {
		return s.jobs(c.Context, q, limit)
	}
	q.Limit = api.MaxLimit
	if limit > 0 {
		q.Limit = min(limit, q.Limit)
	}
	jobs, err := s.client.Jobs(c.Context, q)
	if len(jobs) > q.Limit && limit > 0 {
		jobs = jobs[:q.Limit]
	}
	if len(jobs) >= api.MaxLimit && (limit == 0 || limit > api.MaxLimit) {
		s.note("this is not all; octasklyctl ls -a lists every job")
	}
	return jobs, err
}

func (s *session) writeList(ctx context.Context, jobs []api.Job) error {
	switch s.output {
	case outputJSON:
		return s.printJSON(api.Jobs{Tasks: append([]api.Job{}, jobs...)})
	case outputQuiet:
		return s.printIDs(jobs)
	}
	width := terminalWidth(s.stdout)
	if err := writeJobs(s.stdout, jobs, width, time.Now()); err != nil {
		return err
	}
	return s.glance(ctx, width)
}

func (s *session) printIDs(jobs []api.Job) error {
	for i := range jobs {
		if err := s.print("%s\n", jobs[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// noWords refuses what a command would ignore.
func noWords(c *cli.Context) error {
	if word := c.Args().First(); word != "" || c.NArg() > 0 {
		return withHint(usagef("%s takes no words, and %q is one", c.Command.Name, word), "octasklyctl %s --help", c.Command.Name)
	}
	return nil
}
