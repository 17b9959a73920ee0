package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/security"
)

func keyCommand() *cli.Command {
	return &cli.Command{
		Name:   "key",
		Usage:  "make the key that a dispatcher and its workers share",
		Action: onlyHelp,
		Subcommands: []*cli.Command{{
			Name:      "create",
			Usage:     "make a key file for its owner alone, unless it is there",
			ArgsUsage: "FILE",
			Action:    createKey,
		}},
	}
}

func createKey(c *cli.Context) error {
	if c.NArg() != 1 {
		return usageError{fmt.Errorf("cannot make a key: want octasklyd key create FILE")}
	}
	path := c.Args().First()
	_, made, err := security.LoadOrCreateKeyFile(path)
	if err != nil {
		return err
	}
	if !made {
		fmt.Fprintf(c.App.ErrWriter, "octasklyd: there is a key in %q already\n", path)
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "octasklyd: %q is made; copy it to the machines of all workers, at the same place\n", path)
	return nil
}
