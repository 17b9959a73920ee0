package main

import (
	"errors"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) workerPendingCommand() *cli.Command {
	return &cli.Command{
		Name:  "pending",
		Usage: "list machines that wait to join, and workers that were removed",
		Description: "Lists the machines that wait for an approval, and the workers that were removed and may not\n" +
			"come back. A code is not listed: read it on the machine itself, in its journal or by\n" +
			"systemctl status octasklyd-worker there. It is for admins.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl worker pending",
		Action: func(c *cli.Context) error {
			if err := noWords(c); err != nil {
				return err
			}
			workers, err := s.client.Pending(c.Context)
			if err != nil {
				return s.aboutRoster(err, "")
			}
			return s.writePending(workers, time.Now())
		},
	}
}

func (s *session) writePending(workers []api.PendingWorker, now time.Time) error {
	whole := func(all []api.PendingWorker) any { return api.PendingWorkers{Workers: all} }
	id := func(w *api.PendingWorker) string { return w.ID }
	return writeList(s, workers, whole, id, func() error {
		t := newTable("NAME", "STATE", "SINCE", "ADDRESS", "ID", "VERSION", "BY")
		for _, w := range workers {
			t.add(w.Name, w.State, pastText(w.Since, now), w.Address, w.ID, w.Version, w.By)
		}
		t.dropEmpty("BY")
		t.give, t.width = 0, terminalWidth(s.stdout)
		return t.write(s.stdout)
	})
}

func (s *session) workerApproveCommand() *cli.Command {
	return &cli.Command{
		Name:  "approve",
		Usage: "let a machine join, by the code that it shows",
		Description: "Lets a machine join as a worker that shows a code of six digits: in its journal, or by\n" +
			"systemctl status octasklyd-worker there. Only the machine that shows it can have that code,\n" +
			"so read it there, and nowhere else. After three wrong codes for a name there is a pause.\n\n" +
			"Without a code, it lets a worker come back that was removed. It is for admins.",
		ArgsUsage: "NAME|ID [CODE]",
		UsageText: "octasklyctl worker approve w1 483-112\noctasklyctl worker approve w1    # that was removed",
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				return withHint(usagef("the name of a worker is missing"), "octasklyctl worker pending lists who waits")
			}
			name, code := words[0], strings.Join(words[1:], " ")
			worker, err := s.client.Approve(c.Context, name, code)
			if err != nil {
				return s.aboutRoster(err, name)
			}
			if s.output == outputJSON {
				return s.printJSON(worker)
			}
			s.note("%s", approvedText(worker))
			return nil
		},
	}
}

func approvedText(w *api.PendingWorker) string {
	if w.State == "readmitted" {
		return "worker " + w.Name + " may come back: with the fleet key it does so by itself, else it shows a code, or takes an invite"
	}
	return "worker " + w.Name + " has joined, from " + w.Address
}

func (s *session) workerRejectCommand() *cli.Command {
	return &cli.Command{
		Name:        "reject",
		Usage:       "send machines away that wait to join",
		Description: "Sends machines away that wait for an approval. They may ask again, and are not known. It is for admins.",
		ArgsUsage:   "NAME|ID…",
		UsageText:   "octasklyctl worker reject w1",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return withHint(usagef("the name of a worker is missing"), "octasklyctl worker pending lists who waits")
			}
			for _, name := range c.Args().Slice() {
				workers, err := s.client.Reject(c.Context, name)
				if err == nil && s.output == outputJSON {
					err = s.printJSON(api.PendingWorkers{Workers: append([]api.PendingWorker{}, workers...)})
				}
				if err != nil {
					return s.aboutRoster(err, name)
				}
				for _, w := range workers {
					s.note("worker %s, from %s, is sent away", w.Name, w.Address)
				}
			}
			return nil
		},
	}
}

// aboutRoster adds to an error of these commands what to type next.
func (s *session) aboutRoster(err error, name string) error {
	switch field, bad := errors.AsType[*octaskly.FieldError](err); {
	case errors.Is(err, octaskly.ErrDenied):
		return s.notAdmin(err)
	case name != "" && errors.Is(err, octaskly.ErrNotFound):
		return withHint(err, "octasklyctl worker pending lists who waits")
	case bad && field.Field == "code" && name != "":
		return withHint(err, "read the code on the machine itself: systemctl status octasklyd-worker")
	}
	return err
}
