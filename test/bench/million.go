package main

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/test/bench/numbers"
	"github.com/octaskly/octaskly/test/cluster"
)

// millionProbe is what a large array costs as long as none of it runs. A job of
// one command is submitted first: it brings in the code that both need.
func millionProbe(*lab) probe {
	return probe{
		name: "million",
		rows: []row{
			{name: "one submit", unit: millis, about: "octasklyctl submit of one command, no worker"},
			{name: "million submit", unit: millis, about: "octasklyctl submit --array 0-999999", aims: []aim{atMost(50)}},
			{name: "million RSS", unit: mega, about: "growth of the dispatcher", aims: []aim{atMost(1)}},
			{name: "million RssAnon", unit: mega},
		},
		measure: measureMillion,
	}
}

func measureMillion(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, 0, func(c *cluster.Cluster) ([]float64, error) {
		one, err := timeCtl(ctx, c, "submit", "--", "true")
		if err != nil {
			return nil, err
		}
		before, err := readMemory(c.Dispatcher.PID())
		if err != nil {
			return nil, err
		}
		million, err := timeCtl(ctx, c, "submit", "--array", "0-999999", "--", "true")
		if err != nil {
			return nil, err
		}
		after, err := readMemory(c.Dispatcher.PID())
		return []float64{numbers.InMillis(one), numbers.InMillis(million), after.rss - before.rss, after.anon - before.anon}, err
	})
}

func timeCtl(ctx context.Context, c *cluster.Cluster, args ...string) (time.Duration, error) {
	start := time.Now()
	_, err := ctl(ctx, c, args...)
	return time.Since(start), err
}
