package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (s *session) showCommand() *cli.Command {
	return &cli.Command{
		Name:  "show",
		Usage: "tell all of a job or an element",
		Description: "Tells all that is known of jobs or elements of arrays: what was submitted, how far\n" +
			"it is, and each attempt. With -o json, one document for each.",
		ArgsUsage: "ID…",
		UsageText: "octasklyctl show last\noctasklyctl show 42.7\noctasklyctl show -o json 42 | jq .attempts",
		Action:    s.show,
	}
}

func (s *session) show(c *cli.Context) error {
	targets, err := s.targets(c.Context, c.Args().Slice())
	if err != nil {
		return err
	}
	for i, t := range targets {
		detail, err := s.client.Show(c.Context, t.id)
		if err != nil {
			return err
		}
		if err := s.writeShow(detail, i > 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) writeShow(d *api.Detail, further bool) error {
	return writePage(s, d, d.ID, further, func() error { return writeDetail(s.stdout, d, time.Now()) })
}
