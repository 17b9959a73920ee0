package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/test/bench/numbers"
	"github.com/octaskly/octaskly/test/cluster"
)

// latencyProbe is how long a command takes to be running on an idle machine, by
// its own clock: date tells the time as soon as it is there.
func latencyProbe(*lab) probe {
	return probe{
		name: "latency",
		rows: []row{
			{name: "received → running p50", unit: millis, about: "date +%s.%N, one at a time", aims: []aim{atMost(2.5)}},
			{name: "received → running p99", unit: millis, aims: []aim{atMost(5)}},
			{name: "sent → running p50", unit: millis, about: "from before the client sends the request"},
			{name: "sent → running p99", unit: millis},
			{name: "spawned → running p50", unit: millis, about: "without octaskly, in turn with it"},
			{name: "spawned → running p99", unit: millis},
		},
		measure: measureLatency,
	}
}

func measureLatency(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) { return l.delays(ctx, c) })
}

// delays are the latencies of c, and of this machine without it: the median and the
// slowest of a hundred since a command was received, was sent, or was spawned.
func (l *lab) delays(ctx context.Context, c *cluster.Cluster) (figures []float64, err error) {
	talker := client.New(client.Options{Socket: c.Socket()})
	defer talker.Close()
	var delays [3][]float64
	for i := range warmUp/10 + l.samples {
		received, sent, err := l.startOne(ctx, talker)
		if err != nil {
			return nil, err
		}
		spawned, err := l.spawnOne(ctx)
		if err != nil {
			return nil, err
		}
		if i < warmUp/10 {
			continue
		}
		for i, delay := range []time.Duration{received, sent, spawned} {
			delays[i] = append(delays[i], numbers.InMillis(delay))
		}
	}
	for _, d := range delays {
		figures = append(figures, numbers.Quantile(d, 0.5), numbers.Quantile(d, 0.99))
	}
	return figures, nil
}

const clockFormat = "+%s.%N"

// startOne returns when the command is over.
func (l *lab) startOne(ctx context.Context, talker *client.Client) (sinceReceived, sinceSent time.Duration, err error) {
	submission := &api.Submission{Argv: []api.Text{api.Text(l.date), clockFormat}}
	sent := time.Now()
	accepted, err := talker.Submit(ctx, submission)
	if err != nil {
		return 0, 0, err
	}
	id, err := octaskly.ParseTaskID(accepted.ID)
	if err != nil {
		return 0, 0, err
	}
	running, err := readClock(ctx, talker, id)
	if err != nil {
		return 0, 0, err
	}
	job, err := talker.Show(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	return running.Sub(job.SubmittedAt), running.Sub(sent), nil
}

func (l *lab) spawnOne(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, l.date, clockFormat)
	spawned := time.Now()
	said, err := output(cmd)
	if err != nil {
		return 0, err
	}
	running, err := parseClock(string(said))
	return running.Sub(spawned), err
}

// readClock is the time that the command has printed.
func readClock(ctx context.Context, talker *client.Client, id octaskly.TaskID) (time.Time, error) {
	output, err := talker.Output(ctx, id, client.OutputOptions{Follow: true})
	if err != nil {
		return time.Time{}, err
	}
	defer output.Close()
	var stdout, stderr strings.Builder
	if _, err := spool.Copy(&stdout, &stderr, output); err != nil {
		return time.Time{}, err
	}
	clock, err := parseClock(stdout.String())
	if err != nil {
		return clock, fmt.Errorf("%w; stderr is %q", err, stderr.String())
	}
	return clock, nil
}

// parseClock reads "SECONDS.NANOSECONDS\n".
func parseClock(text string) (time.Time, error) {
	seconds, nanos, found := strings.Cut(strings.TrimSpace(text), ".")
	s, err1 := strconv.ParseInt(seconds, 10, 64)
	ns, err2 := strconv.ParseInt(nanos, 10, 64)
	if !found || len(nanos) != 9 || err1 != nil || err2 != nil {
		return time.Time{}, fmt.Errorf("cannot read time %q", text)
	}
	return time.Unix(s, ns), nil
}
