package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/executor"
)

// guardWords have this program become the guard of an executor, in a process of its
// own. Nobody types them.
var guardWords = []string{"octasklyd", "guard"}

func guardCommand() *cli.Command {
	return &cli.Command{
		Name:            guardWords[1],
		Usage:           "end what may run only once, where its executor cannot",
		Hidden:          true,
		HideHelpCommand: true,
		Before:          noArguments,
		Action: func(*cli.Context) error {
			err := executor.Guard(os.Stdin)
			if errors.Is(err, executor.ErrNoExecutor) {
				return usageError{err}
			}
			return err
		},
	}
}
