package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// warmUp is how many commands run before the clock: what a daemon does the first
// time is not what it does all day.
const warmUp = 200

// arrayProbe is the whole way of many commands: submitted, run, output captured,
// results durable, and octasklyctl told.
func arrayProbe(l *lab) probe {
	return probe{
		name: "array",
		rows: []row{
			{name: "array", unit: rate, about: fmt.Sprintf("submit --array … wait through both daemons, %d slots", l.slots()),
				aims: []aim{atLeast(0.75, floorRow), atLeast(1.2, xargsRow)}},
			{name: "array CPU", unit: micros, about: "of processor time for each command, all told"},
			{name: "array dispatcher CPU", unit: micros, about: "the dispatcher's part"},
			{name: "array worker CPU", unit: micros, about: "the worker's part, without the command itself"},
			{name: "array dispatcher RSS", unit: mega, about: "afterwards"},
			{name: "array worker RSS", unit: mega, about: "afterwards"},
		},
		measure: measureArray,
	}
}

func measureArray(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		return timeArray(ctx, l, c, []*cluster.Daemon{c.Dispatcher, c.Workers[0]})
	})
}

// timeArray returns the rate of an array, the processor time of all and of each
// daemon for a command, and then the memory of each daemon.
func timeArray(ctx context.Context, l *lab, c *cluster.Cluster, daemons []*cluster.Daemon) ([]float64, error) {
	if _, err := runArray(ctx, c, warmUp); err != nil {
		return nil, err
	}
	before, err := spentBy(daemons)
	if err != nil {
		return nil, err
	}
	took, err := runArray(ctx, c, l.tasks)
	if err != nil {
		return nil, err
	}
	after, err := spentBy(daemons)
	if err != nil {
		return nil, err
	}
	figures := []float64{l.rate(took)}
	for i := range after {
		figures = append(figures, l.perTask(after[i]-before[i]))
	}
	for _, d := range daemons {
		memory, err := readMemory(d.PID())
		if err != nil {
			return nil, err
		}
		figures = append(figures, memory.rss)
	}
	return figures, nil
}

// apartProbe is the array with worker and executor as two processes, commands as
// another user.
func apartProbe(l *lab) probe {
	return probe{
		name: "apart",
		rows: []row{
			{name: "apart", unit: rate, about: "the array with worker and executor apart, as installed", aims: []aim{atLeast(0.75, floorRow)}},
			{name: "apart CPU", unit: micros, about: "of processor time for each command, all told"},
			{name: "apart dispatcher CPU", unit: micros, about: "the dispatcher's part"},
			{name: "apart worker CPU", unit: micros, about: "the worker's part: it passes messages on"},
			{name: "apart executor CPU", unit: micros, about: "the executor's part, without the command itself"},
			{name: "apart dispatcher RSS", unit: mega, about: "afterwards"},
			{name: "apart worker RSS", unit: mega, about: "afterwards"},
			{name: "apart executor RSS", unit: mega, about: "afterwards"},
		},
		measure: func(ctx context.Context, l *lab) ([]float64, error) {
			return l.withApart(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
				return timeArray(ctx, l, c, append([]*cluster.Daemon{c.Dispatcher}, c.Workers...))
			})
		},
	}
}

// spentBy is the processor time so far of all and their commands, and of each by
// itself.
func spentBy(daemons []*cluster.Daemon) ([]time.Duration, error) {
	all := make([]time.Duration, 1, 1+len(daemons))
	for _, d := range daemons {
		used, err := readProcessor(d.PID())
		if err != nil {
			return nil, err
		}
		all[0] += used.own + used.children
		all = append(all, used.own)
	}
	return all, nil
}

// narrowArrayProbe has no more slots than the floor has processes.
func narrowArrayProbe(l *lab) probe {
	return probe{
		name: "narrow",
		rows: []row{{name: "narrow", unit: rate, about: fmt.Sprintf("the same with %d slots", l.procs)}},
		measure: func(ctx context.Context, l *lab) ([]float64, error) {
			return l.withCluster(ctx, l.procs, func(c *cluster.Cluster) ([]float64, error) {
				if _, err := runArray(ctx, c, warmUp); err != nil {
					return nil, err
				}
				took, err := runArray(ctx, c, l.tasks)
				return []float64{l.rate(took)}, err
			})
		},
	}
}

// runArray returns the time from before the submission until wait has returned.
func runArray(ctx context.Context, c *cluster.Cluster, tasks int) (time.Duration, error) {
	start := time.Now()
	id, err := ctl(ctx, c, "submit", "--array", "0-"+strconv.Itoa(tasks-1), "--", "true")
	if err != nil {
		return 0, err
	}
	if _, err := ctl(ctx, c, "wait", id); err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, haveCompleted(ctx, c, id, tasks)
}

// haveCompleted returns an error unless all tasks of a job have.
func haveCompleted(ctx context.Context, c *cluster.Cluster, id string, tasks int) error {
	job, err := octaskly.ParseTaskID(id)
	if err != nil {
		return err
	}
	talker := client.New(client.Options{Socket: c.Socket()})
	defer talker.Close()
	shown, err := talker.Show(ctx, job)
	if err != nil {
		return err
	}
	if got := shown.Counts[octaskly.Completed.String()]; got != int64(tasks) {
		return fmt.Errorf("job %s has completed %d of %d tasks", id, got, tasks)
	}
	return nil
}
