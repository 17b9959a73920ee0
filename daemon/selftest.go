package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func selftestCommand() *cli.Command {
	return &cli.Command{
		Name:  "selftest",
		Usage: "show which sandbox levels and limits held when the worker's executor tried them",
		Description: "Asks the worker that runs on this machine. Its executor has tried every level and limit as it\n" +
			"started, or was reloaded, and offers those for which each check held.\n\n" +
			"The exit status is 0, or 1 if a level other than none did not hold, or 69 if there is no answer.",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "socket", Usage: "ask the worker at the Unix socket `PATH`"}},
		Before: noArguments,
		Action: func(c *cli.Context) error {
			if c.Lineage()[1].NumFlags() > 0 {
				return usageError{errors.New("flags of selftest stand after that word")}
			}
			return selftest(c.Context, c.String("socket"), c.App.Writer)
		},
	}
}

// selftest reports what the worker at a socket can enforce.
func selftest(ctx context.Context, socket string, out io.Writer) error {
	w, err := askWorker(ctx, socket)
	if err != nil {
		return err
	}
	if w.Slots == 0 { // every executor has one
		return unreachableError{errors.New("cannot tell what this machine can enforce: the worker has no executor now; is it running (systemctl status octasklyd-executor)?")}
	}
	if err := report(out, w); err != nil {
		return err
	}
	if len(w.Checks) == 0 {
		return errors.New("the executor has no self-test to tell of: it is of an older version; systemctl reload octasklyd-executor puts the installed one in its place")
	}
	if failed := failedLevels(w.Checks); len(failed) > 0 {
		return fmt.Errorf("this machine does not offer what has not held: %s", strings.Join(failed, ", "))
	}
	return nil
}

// askWorker asks a worker about itself, at a socket or where it is by default.
func askWorker(ctx context.Context, socket string) (*api.Worker, error) {
	var err error
	if socket == "" {
		if socket, err = dirs.DefaultSocket(dirs.Worker); err != nil {
			return nil, unreachableError{fmt.Errorf("cannot find the worker's socket: name it by --socket: %w", err)}
		}
	}
	c := client.New(client.Options{Socket: socket})
	defer c.Close()
	all, err := c.Workers(ctx)
	if err != nil {
		return nil, unanswered(socket, err)
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("cannot take %q for a worker's socket: it tells of %d workers", socket, len(all))
	}
	return c.Worker(ctx, all[0].ID)
}

// unanswered says why a worker did not answer. What the client says is about the
// dispatcher, but for who may use a socket.
func unanswered(socket string, err error) error {
	why, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !errors.As(err, new(*client.Unreachable)):
		return err
	case !ok || why == syscall.EACCES:
		return unreachableError{err}
	}
	return unreachableError{fmt.Errorf("cannot reach the worker at %q: %w; is it running (systemctl status octasklyd-worker, or octasklyd worker in a terminal)? another socket is named by --socket", socket, why)}
}

// report writes a paragraph for each subject, in the order of the checks.
func report(out io.Writer, w *api.Worker) error {
	lines := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(lines, "worker %s offers\nlevels: %s\nlimits: %s\nnetwork of the machine in boxes: %s\n",
		w.Name, listOf(w.Levels), listOf(w.Limits), map[bool]string{true: "on request", false: "never"}[w.HostNetwork])
	subject := ""
	for _, c := range w.Checks {
		if c.Subject != subject {
			subject = c.Subject
			fmt.Fprintf(lines, "\n%s\n", subject)
		}
		if c.Held {
			fmt.Fprintf(lines, "  held\t%s\t%s\n", c.Name, c.What)
		} else {
			fmt.Fprintf(lines, "  FAILED\t%s\t%s\n", c.Name, c.Why)
		}
	}
	return lines.Flush()
}

func listOf(words []string) string {
	if len(words) == 0 {
		return "none at all"
	}
	return strings.Join(words, ", ")
}

// failedLevels names the levels, but for none, of which a check failed.
func failedLevels(checks []api.Check) (failed []string) {
	for _, level := range octaskly.Levels[1:] {
		for _, c := range checks {
			if c.Subject == level.Feature() && !c.Held {
				failed = append(failed, "level "+level.String())
				break
			}
		}
	}
	return failed
}
