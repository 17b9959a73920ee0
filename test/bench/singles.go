package main

import (
	"context"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/cluster"
)

// singlesProbe is as many commands as in the array, but each a job of its own,
// one submission after the other.
func singlesProbe(l *lab) probe {
	return probe{
		name: "singles",
		rows: []row{
			{name: "singles", unit: rate, about: fmt.Sprintf("jobs of one command over one connection, until all are over, %d slots", l.slots())},
			{name: "singles accepted", unit: rate, about: "until the last is accepted; commands run meanwhile"},
		},
		measure: measureSingles,
	}
}

func measureSingles(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		if _, err := runArray(ctx, c, warmUp); err != nil {
			return nil, err
		}
		talker := client.New(client.Options{Socket: c.Socket()})
		defer talker.Close()
		start := time.Now()
		first, last, err := submitSingles(ctx, talker, l.tasks)
		if err != nil {
			return nil, err
		}
		accepted := time.Since(start)
		if _, err := ctl(ctx, c, "wait", first+"-"+last); err != nil {
			return nil, err
		}
		over := time.Since(start)
		return []float64{l.rate(over), l.rate(accepted)}, nil
	})
}

func submitSingles(ctx context.Context, talker *client.Client, n int) (first, last string, err error) {
	for range n {
		accepted, err := talker.Submit(ctx, &api.Submission{Argv: []api.Text{"true"}})
		if err != nil {
			return "", "", err
		}
		if first == "" {
			first = accepted.ID
		}
		last = accepted.ID
	}
	return first, last, nil
}
