package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/client"
)

// The modes of -o.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputQuiet = "quiet"
)

var outputs = []string{outputTable, outputJSON, outputQuiet}

// session is one call of the program: its streams, and whom it talks to.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	output         string // the mode of -o
	outage         outage
	patient        sync.Once // it was said that calls are held back
	line           *commandLine
	client         *client.Client      // set once the flags are known
	context        *client.Context     // that of client; nil: a socket
	contexts       *client.ContextFile // where it is kept
}

// run is the program. It returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{stdin: stdin, stdout: stdout, stderr: stderr, output: outputTable}
	s.outage.note = s.note
	err := s.main(ctx, args[1:])
	s.fail(err)
	return exitCode(err)
}

func (s *session) main(ctx context.Context, argv []string) error {
	app := s.app()
	if n := len(argv); n > 0 && argv[n-1] == completeFlag {
		s.complete(ctx, app, argv[:n-1])
		return nil
	}
	app.Commands = append(app.Commands, s.hidden(argv)...)
	line, err := readLine(app, argv)
	s.global(line)
	if err != nil {
		return err
	}
	cmd, ofVersion := line.leaf(), line.has("version") && !line.help
	if !ofVersion && (line.help || cmd == nil || len(cmd.Subcommands) > 0) {
		return writeHelp(s.stdout, app, cmd, line.name())
	}
	if err := s.enter(line); err != nil {
		return err
	}
	defer s.client.Close()
	if ofVersion {
		return s.printVersion(ctx)
	}
	return app.RunContext(ctx, line.args(app))
}

// global takes the flags of all commands over, also from a line with a mistake:
// how that is reported depends on them.
func (s *session) global(line *commandLine) {
	s.line = line
	for _, use := range line.uses {
		if (use.name == "o" || use.name == "output") && slices.Contains(outputs, use.value) {
			s.output = use.value
		}
	}
}

// app lists the commands.
func (s *session) app() *cli.App {
	app := &cli.App{
		Name:   "octasklyctl",
		Writer: s.stdout, ErrWriter: s.stderr,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "socket", Usage: "talk to the dispatcher at `PATH`", EnvVars: []string{client.SocketVar}},
			&cli.StringFlag{Name: "context", Usage: "talk to the dispatcher of the context `NAME`; local is this machine's", EnvVars: []string{client.ContextVar}},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "print a `FORMAT`: table, json, or quiet for ids alone"},
			&cli.BoolFlag{Name: "version", Usage: "print the version"},
		},
		Commands: []*cli.Command{
			s.submitCommand(), s.runCommand(),
			s.lsCommand(), s.showCommand(), s.logsCommand(), s.waitCommand(),
			s.cancelCommand(), s.signalCommand(), s.retryCommand(), s.whyCommand(),
			s.eventsCommand(), s.topCommand(), s.statsCommand(), s.workerCommand(), s.discoverCommand(),
			s.loginCommand(), s.logoutCommand(), s.whoamiCommand(), s.contextCommand(),
			s.userCommand(), s.tokenCommand(), s.auditCommand(), s.keyCommand(),
			s.versionCommand(), s.completionCommand(),
		},
		Before: checkOutput,
		// Help is ours (help.go), and so are errors (voice.go).
		HideHelp:                  true,
		DisableSliceFlagSeparator: true, // --env A=1,2 is one variable
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usagef("%v", err) },
	}
	hideHelp(app.Commands)
	return app
}

// hideHelp keeps cli from taking the word "help" for a command of each command.
func hideHelp(commands []*cli.Command) {
	for _, cmd := range commands {
		cmd.HideHelp = true
		hideHelp(cmd.Subcommands)
	}
}

func checkOutput(c *cli.Context) error {
	if mode := c.String("output"); c.IsSet("output") && !slices.Contains(outputs, mode) {
		return usagef("cannot use --output %q: want table, json or quiet", mode)
	}
	return nil
}

func (s *session) print(format string, args ...any) error {
	_, err := fmt.Fprintf(s.stdout, format, args...)
	return err
}
