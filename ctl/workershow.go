package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (s *session) workerShowCommand() *cli.Command {
	return &cli.Command{
		Name:  "show",
		Usage: "tell all of a worker, and what its self-test has found",
		Description: "Tells all that is known of workers: room, sandbox levels, limits, and the self-test that\n" +
			"each worker makes when it starts. It offers the levels and limits of which every check\n" +
			"has held, and no others; of a check that has not, the report says why and what to do.\n" +
			"With -o json, one document for each.",
		ArgsUsage: "NAME|ID…",
		UsageText: "octasklyctl worker show w1\noctasklyctl worker show -o json w1 | jq '.checks[] | select(.held | not)'",
		Action:    s.workerShow,
	}
}

func (s *session) workerShow(c *cli.Context) error {
	names := c.Args().Slice()
	if len(names) == 0 {
		return withHint(usagef("the name of a worker is missing"), "octasklyctl worker ls lists the workers there are")
	}
	for i, name := range names {
		worker, err := s.client.Worker(c.Context, name)
		if err != nil {
			return s.aboutWorker(err, "show", name)
		}
		if err := s.writeWorker(worker, i > 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) writeWorker(w *api.Worker, further bool) error {
	return writePage(s, w, w.ID, further, func() error { return writeWorkerPage(s.stdout, w, time.Now()) })
}

func writeWorkerPage(out io.Writer, w *api.Worker, now time.Time) error {
	p := &page{}
	p.line("name", w.Name)
	p.line("id", w.ID)
	p.line("state", workerState(w))
	p.drain(w, now)
	p.line("waiting", w.Waiting)
	p.line("address", w.Address)
	p.line("transport", w.Transport)
	p.line("round trip", tripText(w))
	if w.Since != nil {
		p.past("connected", w.Since, now)
	}
	p.line("version", w.Version)
	p.line("slots", fmt.Sprintf("%d, %d busy", w.Slots, w.Running+w.Assigned))
	p.line("cpus", positive(w.CPUs, "%g"))
	p.line("memory", sizeText(w.Memory))
	p.line("reserved", reservedText(w))
	p.line("used", usedText(w))
	p.line("contains", w.Contains)
	p.line("levels", orNone(w.Levels))
	p.line("limits", orNone(w.Limits))
	p.line("network", networkLine(w))
	p.line("features", strings.Join(w.Features, ", "))
	p.past("seen", &w.SeenAt, now)
	p.line("self-test", verdict(w.Checks))
	if err := p.write(out); err != nil {
		return err
	}
	return writeSelfTest(out, w.Checks)
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// networkLine is about levels that have no network by themselves.
func networkLine(w *api.Worker) string {
	if w.HostNetwork {
		return "level strict may have the machine's, by --network host"
	}
	return "level strict may not have the machine's"
}
