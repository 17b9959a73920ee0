package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"
)

// versionWithin bounds how long a dispatcher is asked for its version.
const versionWithin = 2 * time.Second

func (s *session) versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the versions of octasklyctl and the dispatcher",
		Description: "Prints the version of octasklyctl and, where it can be reached, of the dispatcher.",
		ArgsUsage:   "[FLAG…]",
		UsageText:   "octasklyctl version",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			return s.printVersion(c.Context)
		},
	}
}

type versionDocument struct {
	Client     string `json:"client"`
	Dispatcher string `json:"dispatcher,omitempty"` // none: it cannot be reached
}

func (s *session) printVersion(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, versionWithin)
	defer cancel()
	dispatcher, err := s.client.Version(ctx)
	if s.output == outputJSON {
		return s.printJSON(versionDocument{version, dispatcher})
	}
	if err := s.print("octasklyctl %s\n", version); err != nil {
		return err
	}
	if err != nil {
		return s.print("dispatcher  not reachable\n")
	}
	return s.print("dispatcher  %s\n", dispatcher)
}
