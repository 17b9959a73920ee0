package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
)

func (s *session) statsCommand() *cli.Command {
	return &cli.Command{
		Name:  "stats",
		Usage: "sum up the whole fleet",
		Description: "Sums up tasks by state, those that have ended since there is a database also if they are no longer kept,\n" +
			"workers and their slots, and the dispatcher itself.",
		ArgsUsage: "[FLAG…]",
		UsageText: "octasklyctl stats\noctasklyctl stats -o json | jq .tasks.queued",
		Action:    s.stats,
	}
}

func (s *session) stats(c *cli.Context) error {
	if err := noWords(c); err != nil {
		return err
	}
	stats, err := s.client.Stats(c.Context)
	if err != nil {
		return err
	}
	if s.output == outputJSON {
		return s.printJSON(stats)
	}
	p := &page{}
	for _, state := range sortedStates(stats.Tasks) {
		p.line(state, fmt.Sprint(stats.Tasks[state]))
	}
	p.line("jobs", fmt.Sprintf("%d not over", stats.Jobs))
	p.line("workers", fmt.Sprintf("%d connected", stats.Workers))
	p.line("slots", fmt.Sprintf("%d, %d busy", stats.Slots, stats.Busy))
	p.line("database", sizeText(stats.Database))
	p.past("checked", stats.CheckedAt, time.Now())
	p.line("output", sizeText(stats.Output))
	p.line("inputs", sizeText(stats.Inputs))
	p.line("collected", plural(stats.Removed, "job")+" since it started")
	p.line("fleet", stats.Fleet)
	p.line("version", stats.Version)
	p.past("started", &stats.StartedAt, time.Now())
	if d := stats.Damage; d != nil {
		p.past("damaged", &d.At, time.Now())
		for _, line := range d.Lines {
			p.line("damage", line)
		}
	}
	return p.write(s.stdout)
}
