// Octasklyd is the daemon of octaskly, in the role that its first word names:
// dispatcher, worker or executor.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/tui"
)

// version is set when the program is linked.
var version = "dev"

func main() {
	tui.KeepTerminal()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
}

// Exit codes, as octasklyctl has them.
const (
	exitError       = 1
	exitUsage       = 2
	exitUnreachable = 69 // EX_UNAVAILABLE of sysexits.h
)

// unreachableError says that a daemon does not answer.
type unreachableError struct{ error }

// usageError is a mistake in the words of the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := &cli.App{
		Name:                   "octasklyd",
		Usage:                  "run commands across the Linux machines you have",
		Version:                version,
		Suggest:                true,
		Writer:                 stdout,
		ErrWriter:              stderr,
		UseShortOptionHandling: true,
		ExitErrHandler:         func(*cli.Context, error) {},
		OnUsageError:           onUsageError,
		Commands:               []*cli.Command{dispatcherCommand(), workerCommand(), executorCommand(), guardCommand(), configCommand(), keyCommand(), versionCommand(), manualCommand()},
		Action:                 onlyHelp,
	}
	markUsage(app.Commands)
	err := app.RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "octasklyd: error: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintln(stderr, "octasklyd: hint: see octasklyd --help")
		return exitUsage
	}
	if errors.As(err, new(unreachableError)) {
		return exitUnreachable
	}
	return exitError
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return usageError{err} }

// markUsage makes usage errors of what the flags of commands are refused for;
// cli asks each command by itself.
func markUsage(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		markUsage(c.Subcommands)
	}
}

// onlyHelp is what a command that needs a word after it does without one.
func onlyHelp(c *cli.Context) error {
	if word := c.Args().First(); word != "" {
		return usageError{fmt.Errorf("unknown command %q", word)}
	}
	return cli.ShowSubcommandHelp(c)
}

// noArguments refuses words that would have been ignored.
func noArguments(c *cli.Context) error {
	if word := c.Args().First(); word != "" {
		return usageError{fmt.Errorf("unexpected argument %q", word)}
	}
	return nil
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version",
		Before: noArguments,
		Action: func(c *cli.Context) error {
			_, err := fmt.Fprintln(c.App.Writer, "octasklyd", version)
			return err
		},
	}
}
