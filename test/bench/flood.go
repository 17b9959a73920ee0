package main

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// floodProbe is the latency while other tasks print as much as they can.
func floodProbe(*lab) probe {
	return probe{
		name: "flood",
		rows: []row{
			{name: "in a flood, received → running p50", unit: millis, about: "beside tasks that print 60 MB, one at a time"},
			{name: "in a flood, received → running p99", unit: millis, aims: []aim{atMost(10)}},
			{name: "in a flood, sent → running p50", unit: millis},
			{name: "in a flood, sent → running p99", unit: millis},
			{name: "in a flood, spawned → running p50", unit: millis, about: "without octaskly, in turn with it"},
			{name: "in a flood, spawned → running p99", unit: millis},
			{name: "in a flood, printed", unit: mega, about: "while these began"},
		},
		measure: measureFlood,
	}
}

const (
	flooder = 60 // MB; somewhat less than is kept of a task's output
	deluge  = "0-999999%1"
)

func measureFlood(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		said, err := ctl(ctx, c, "submit", "--array", deluge, "--", "head", "-c", fmt.Sprint(flooder*1_000_000), "/dev/zero")
		if err != nil {
			return nil, err
		}
		id, err := octaskly.ParseTaskID(said)
		if err != nil {
			return nil, err
		}
		figures, err := l.delays(ctx, c)
		if err != nil {
			return nil, err
		}
		talker := client.New(client.Options{Socket: c.Socket()})
		defer talker.Close()
		job, err := talker.Show(ctx, id)
		if err != nil {
			return nil, err
		}
		printed := job.Counts[octaskly.Completed.String()]
		if printed == 0 || job.State != octaskly.Running {
			return nil, fmt.Errorf("there was no flood: job %s is %s, and %d of its tasks have printed", id, job.State, printed)
		}
		return append(figures, float64(printed*flooder)), nil
	})
}
