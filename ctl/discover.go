package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/discovery"
)

const (
	hearTime    = 3 * time.Second
	maxHearTime = 10 * time.Minute
)

func (s *session) discoverCommand() *cli.Command {
	return &cli.Command{
		Name:  "discover",
		Usage: "list the dispatchers that are heard on the network",
		Description: "Asks by multicast DNS and lists the dispatchers that answer, whatever their fleet. It takes no\n" +
			"dispatcher and no rights. Anybody on the network can answer anything: an address is a hint, and\n" +
			"what is at it has to show who it is when a worker or octasklyctl login comes there.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl discover\noctasklyctl discover --timeout 10s -o json | jq -r '.dispatchers[].addresses[0]'",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "timeout", Usage: "listen for `TIME`; without, for 3s"}},
		Action:    s.discover,
	}
}

func (s *session) discover(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	patience, given, err := durationFlag(c, "timeout")
	if err != nil {
		return err
	}
	if !given {
		patience = hearTime
	}
	if patience <= 0 || patience > maxHearTime {
		return usagef("cannot listen for %v: --timeout is more than 0s and at most %v", patience, maxHearTime)
	}
	heard, err := hearFor(c.Context, patience)
	if err != nil {
		return withHint(fmt.Errorf("cannot ask the network: %w", err), "ip -brief link shows the interfaces; multicast DNS takes one that is up, and UDP port 5353")
	}
	return s.writeHeard(heard, patience)
}

func hearFor(ctx context.Context, patience time.Duration) ([]discovery.Heard, error) {
	b, err := discovery.Listen(nil)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return b.Heard(), nil
}
