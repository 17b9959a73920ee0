package main

import (
	"context"
	"errors"
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
			{name: "array dispatcher", unit: micros, about: "of processor time for each command"},
			{name: "array worker", unit: micros, about: "of processor time for each command, itself not counted"},
			{name: "array dispatcher RSS", unit: mega, about: "afterwards"},
			{name: "array worker RSS", unit: mega, about: "afterwards"},
		},
		measure: measureArray,
	}
}

func measureArray(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		if _, err := runArray(ctx, c, warmUp); err != nil {
			return nil, err
		}
		before, err := spent(c)
		if err != nil {
			return nil, err
		}
		took, err := runArray(ctx, c, l.tasks)
		if err != nil {
			return nil, err
		}
		after, err := spent(c)
		if err != nil {
			return nil, err
		}
		dispatcher, err1 := readMemory(c.Dispatcher.PID())
		worker, err2 := readMemory(c.Workers[0].PID())
		perTask := func(i int) float64 { return float64((after[i] - before[i]).Microseconds()) / float64(l.tasks) }
		return []float64{
			float64(l.tasks) / took.Seconds(), perTask(0), perTask(1), dispatcher.rss, worker.rss,
		}, errors.Join(err1, err2)
	})
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
				return []float64{float64(l.tasks) / took.Seconds()}, err
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

// spent is the processor time of the dispatcher and of the worker so far.
func spent(c *cluster.Cluster) (times [2]time.Duration, err error) {
	var err1, err2 error
	times[0], err1 = processorTime(c.Dispatcher.PID())
	times[1], err2 = processorTime(c.Workers[0].PID())
	return times, errors.Join(err1, err2)
}
