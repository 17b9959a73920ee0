package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (s *session) workerCommand() *cli.Command {
	return &cli.Command{
		Name:        "worker",
		Usage:       "look at the machines that run commands, drain them, and let others join",
		Description: "Workers are the machines that run commands.",
		ArgsUsage:   "COMMAND",
		Subcommands: []*cli.Command{s.workerLsCommand(), s.workerShowCommand(), s.workerDrainCommand(), s.workerResumeCommand(), s.workerRemoveCommand(),
			s.workerPendingCommand(), s.workerApproveCommand(), s.workerRejectCommand(),
			s.workerInviteCommand(), s.workerInvitesCommand(), s.workerUninviteCommand()},
	}
}

func (s *session) workerLsCommand() *cli.Command {
	return &cli.Command{
		Name:  "ls",
		Usage: "list the workers",
		Description: "Lists the workers that the dispatcher knows. A worker is connected, stopping, away (its lease runs,\n" +
			"and it may be back with its tasks), left (it was stopped) or lost; of one that was drained,\n" +
			"DRAINED says by whom, when, until when and why, and BUSY how many tasks it still has. SANDBOX is the strictest level that a worker\n" +
			"offers. USED is what the tasks there use, LINK and RTT how it is connected and how long a heartbeat takes there\n" +
			"and back, SINCE for how long it has been. CONTAINS is how it keeps the processes of a command together: with cgroup none\n" +
			"escapes its end. A narrow terminal has fewer columns; octasklyctl worker show tells more.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl worker ls\noctasklyctl worker ls -o json | jq '.workers[].slots'",
		Action:    s.workerLs,
	}
}

func (s *session) workerLs(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	workers, err := s.client.Workers(c.Context)
	if err != nil {
		return err
	}
	slices.SortFunc(workers, func(a, b api.Worker) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	whole := func(all []api.Worker) any { return api.Workers{Workers: all} }
	id := func(w *api.Worker) string { return w.ID }
	return writeList(s, workers, whole, id, func() error {
		t := workerTable(workers, time.Now())
		t.width = terminalWidth(s.stdout)
		t.narrow(sparedOfWorkers...)
		if err := t.write(s.stdout); err != nil {
			return err
		}
		for _, w := range workers {
			if w.Waiting != "" {
				s.note("%s waits %s", w.Name, w.Waiting)
			}
		}
		return nil
	})
}

// sparedOfWorkers are columns that a narrow terminal does without.
var sparedOfWorkers = []string{"CONTAINS", "SINCE", "VERSION", "LINK", "MEMORY", "CPUS", "USED", "SEEN", "RTT"}

func workerTable(workers []api.Worker, now time.Time) *table {
	t := newTable("NAME", "STATE", "SLOTS", "BUSY", "CPUS", "MEMORY", "USED", "SANDBOX", "CONTAINS", "LINK", "RTT", "SINCE", "VERSION", "SEEN", "DRAINED")
	for _, w := range workers {
		t.add(w.Name, workerState(&w), fmt.Sprint(w.Slots), fmt.Sprint(w.Running+w.Assigned), fmt.Sprintf("%g", w.CPUs),
			sizeText(w.Memory), usedText(&w), strictest(w.Levels), w.Contains, w.Transport, tripText(&w), connectedText(&w, now), w.Version, pastText(w.SeenAt, now), drainText(w.Drain, now))
	}
	t.dropEmpty("USED", "LINK", "RTT", "SINCE", "DRAINED")
	t.give = 0
	if last := len(t.rows[0]) - 1; t.rows[0][last] == "DRAINED" {
		t.give = last
	}
	return t
}

// strictest is the last of levels that this version knows, "" if it knows none.
func strictest(levels []string) string {
	for _, level := range slices.Backward(octaskly.Levels) {
		if slices.Contains(levels, level.String()) {
			return level.String()
		}
	}
	return ""
}
