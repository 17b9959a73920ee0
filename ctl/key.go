package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) keyCommand() *cli.Command {
	return &cli.Command{
		Name:        "key",
		Usage:       "change the key that signs tokens",
		Description: "The dispatcher signs tokens by a key of its own.",
		ArgsUsage:   "COMMAND",
		Subcommands: []*cli.Command{s.keyRotateCommand()},
	}
}

func (s *session) keyRotateCommand() *cli.Command {
	return &cli.Command{
		Name:  "rotate",
		Usage: "sign tokens by a new key from now on",
		Description: "Makes a new signing key, and prints the ids of all that are in use, the new one first.\n" +
			"Nobody is logged out: a key goes when all that it has signed has expired. It is for admins.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl key rotate",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			keys, err := s.client.RotateKeys(c.Context)
			if errors.Is(err, octaskly.ErrDenied) {
				err = s.notAdmin(err)
			}
			if err != nil {
				return err
			}
			if s.output == outputJSON {
				return s.printJSON(keys)
			}
			for _, id := range keys.IDs {
				if err := s.print("%s\n", id); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
