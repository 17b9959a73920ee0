package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
)

func (s *session) statsCommand() *cli.Command {
	return &cli.Command{
		Name:  "stats",
		Usage: "sum up your tasks and the fleet",
		Description: "Says first what goes on now: what runs, what waits and for what most of it does, and how busy\n" +
			"workers are. Then sums up your tasks by state, of the jobs that are kept, and workers and their slots. An admin sees everyone's tasks, those\n" +
			"that have ended since there is a database also if they are no longer kept, and the dispatcher itself.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl stats\noctasklyctl stats -o json | jq .tasks.queued",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "owner", Usage: "only of user `NAME`"}},
		Action:    s.stats,
	}
}

func (s *session) stats(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	stats, err := s.client.StatsOf(c.Context, c.String("owner"))
	if err != nil {
		return err
	}
	if s.output == outputJSON {
		return s.printJSON(stats)
	}
	p := &page{}
	p.line("now", glanceText(stats))
	for _, state := range sortedStates(stats.Tasks) {
		p.line(state, fmt.Sprint(stats.Tasks[state]))
	}
	for i := range stats.Waiting {
		w := &stats.Waiting[i]
		p.line("waits", fmt.Sprintf("%d for %s", w.Tasks, waitingText(w)))
	}
	p.line("jobs", fmt.Sprintf("%d not over", stats.Jobs))
	if stats.Owner != "" {
		p.line("counted", countedText(stats, c.IsSet("owner"), time.Now()))
	}
	if stats.FleetStats != nil {
		p.line("workers", fmt.Sprintf("%d connected", stats.Workers))
		p.line("slots", fmt.Sprintf("%d, %d busy", stats.Slots, stats.Busy))
	}
	if stats.StoreStats != nil {
		p.store(stats.StoreStats)
	}
	p.line("fleet", stats.Fleet)
	p.line("version", stats.Version)
	p.past("started", &stats.StartedAt, time.Now())
	if stats.StoreStats != nil && stats.Damage != nil {
		p.past("damaged", &stats.Damage.At, time.Now())
		for _, line := range stats.Damage.Lines {
			p.line("damage", line)
		}
	}
	return p.write(s.stdout)
}

// countedText says whose tasks are counted, and since when the figures are right.
func countedText(stats *api.Stats, asked bool, now time.Time) string {
	whose := "yours"
	if asked {
		whose = stats.Owner + "'s"
	}
	text := whose + ", of the jobs that are kept"
	if at := stats.CountedAt; at != nil && now.Sub(*at) > time.Second {
		text += ", " + pastText(*at, now)
	}
	return text
}

func (p *page) store(of *api.StoreStats) {
	p.line("database", sizeText(of.Database))
	p.past("checked", of.CheckedAt, time.Now())
	p.line("output", sizeText(of.Output))
	p.line("inputs", sizeText(of.Inputs))
	p.line("collected", plural(of.Removed, "job")+" since it started")
}
