package main

import (
	"context"

	"github.com/octaskly/octaskly/test/cluster"
)

// idleProbe is the memory of daemons that have nothing to do.
func idleProbe(*lab) probe {
	return probe{
		name: "idle",
		rows: []row{
			{name: "idle dispatcher RSS", unit: mega, about: "one worker is connected", aims: []aim{atMost(25)}},
			{name: "idle dispatcher RssAnon", unit: mega},
			{name: "idle worker RSS", unit: mega, aims: []aim{atMost(20)}},
			{name: "idle worker RssAnon", unit: mega},
		},
		measure: measureIdle,
	}
}

func measureIdle(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		dispatcher, err := readMemory(c.Dispatcher.PID())
		if err != nil {
			return nil, err
		}
		worker, err := readMemory(c.Workers[0].PID())
		return []float64{dispatcher.rss, dispatcher.anon, worker.rss, worker.anon}, err
	})
}
