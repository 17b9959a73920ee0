package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/test/cluster"
)

// latencyProbe is how long a command takes to be running on an idle machine, by
// its own clock: date tells the time as soon as it is there.
func latencyProbe(l *lab) probe {
	return probe{
		name: "latency",
		rows: []row{
			{name: "received → running p50", unit: millis, about: fmt.Sprintf("%s, one at a time", "date +%s.%N"), aims: []aim{atMost(2.5)}},
			{name: "received → running p99", unit: millis, aims: []aim{atMost(5)}},
			{name: "sent → running p50", unit: millis, about: "from before the client sends the request"},
			{name: "sent → running p99", unit: millis},
		},
		measure: measureLatency,
	}
}

func measureLatency(ctx context.Context, l *lab) ([]float64, error) {
	return l.withCluster(ctx, l.slots(), func(c *cluster.Cluster) ([]float64, error) {
		talker := client.New(client.Options{Socket: c.Socket()})
		defer talker.Close()
		var received, sent []float64
		for i := range warmUp/10 + l.samples {
			d, err := l.startOne(ctx, talker)
			if err != nil {
				return nil, err
			}
			if i >= warmUp/10 {
				received = append(received, inMillis(d.sinceReceived))
				sent = append(sent, inMillis(d.sinceSent))
			}
		}
		return []float64{
			quantile(received, 0.5), quantile(received, 0.99), quantile(sent, 0.5), quantile(sent, 0.99),
		}, nil
	})
}

type delay struct{ sinceReceived, sinceSent time.Duration }

// startOne returns when the command is over.
func (l *lab) startOne(ctx context.Context, talker *client.Client) (delay, error) {
	submission := &api.Submission{Argv: []api.Text{api.Text(l.date), "+%s.%N"}}
	sent := time.Now()
	accepted, err := talker.Submit(ctx, submission)
	if err != nil {
		return delay{}, err
	}
	id, err := octaskly.ParseTaskID(accepted.ID)
	if err != nil {
		return delay{}, err
	}
	running, err := readClock(ctx, talker, id)
	if err != nil {
		return delay{}, err
	}
	job, err := talker.Show(ctx, id)
	if err != nil {
		return delay{}, err
	}
	return delay{running.Sub(job.SubmittedAt), running.Sub(sent)}, nil
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
