package main

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/bench/numbers"
)

// restLoad is what many clients at once have seen of a server.
type restLoad struct {
	rate             float64 // submissions
	server, clients  float64 // µs of processor time for each request
	p50, p99, idle99 float64 // ms of those who read
}

// loadREST has all clients submit, and one look at what is there, all the while.
// The server is the process pid.
func loadREST(ctx context.Context, pid int, dial func() *client.Client) (*restLoad, error) {
	reader := dial()
	defer reader.Close()
	talkers := make([]*client.Client, submitters)
	for i := range talkers {
		talkers[i] = dial()
		defer talkers[i].Close()
		if err := submitTrue(ctx, talkers[i]); err != nil { // connects, and is something to look at
			return nil, err
		}
	}
	idle, err := timeShows(ctx, reader, func(n int) bool { return n < 200 })
	if err != nil {
		return nil, err
	}
	before, err := readBoth(pid)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	busy, err := submitAndShow(ctx, talkers, reader)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	after, err := readBoth(pid)
	if err != nil {
		return nil, err
	}
	each := func(spent time.Duration) float64 { return float64(spent.Microseconds()) / float64(restJobs+len(busy)) }
	return &restLoad{
		rate:   restJobs / took.Seconds(),
		server: each(after.server - before.server), clients: each(after.clients - before.clients),
		p50: numbers.Quantile(busy, 0.5), p99: numbers.Quantile(busy, 0.99), idle99: numbers.Quantile(idle, 0.99),
	}, nil
}

func submitTrue(ctx context.Context, talker *client.Client) error {
	_, err := talker.Submit(ctx, &api.Submission{Argv: []api.Text{"true"}})
	return err
}

// submitAndShow returns how long the reader's requests took, in ms.
func submitAndShow(ctx context.Context, talkers []*client.Client, reader *client.Client) ([]float64, error) {
	var left atomic.Int64
	left.Store(restJobs)
	group, ctx := errgroup.WithContext(ctx)
	for _, talker := range talkers {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
				if err := submitTrue(ctx, talker); err != nil {
					return err
				}
			}
			return nil
		})
	}
	took, err := timeShows(ctx, reader, func(int) bool { return left.Load() > 0 })
	return took, errors.Join(group.Wait(), err)
}

// showPause keeps the one who reads from being a load.
const showPause = 5 * time.Millisecond

// timeShows reads one task after the other for as long as more says so.
func timeShows(ctx context.Context, reader *client.Client, more func(n int) bool) (took []float64, err error) {
	for n := 0; more(n); n++ {
		time.Sleep(showPause)
		start := time.Now()
		if _, err := reader.Show(ctx, octaskly.TaskID{Job: octaskly.JobID(1 + n%submitters)}); err != nil {
			return nil, err
		}
		took = append(took, numbers.InMillis(time.Since(start)))
	}
	return took, nil
}

// sides are the processor times of a server and of this process, its clients.
type sides struct{ server, clients time.Duration }

func readBoth(pid int) (sides, error) {
	server, err := readProcessor(pid)
	if err != nil {
		return sides{}, err
	}
	clients, err := readProcessor(os.Getpid())
	return sides{server.own, clients.own}, err
}
