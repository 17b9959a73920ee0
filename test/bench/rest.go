package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/test/cluster"
)

const (
	submitters = 63 // with the one who reads, they are all that an address may have
	perCommit  = 100
	restJobs   = 6400
)

// restProbe is many clients who submit at once over HTTPS, beside the store alone,
// which writes the same rows in large commits.
func restProbe(*lab) probe {
	return probe{
		name: "rest",
		rows: []row{
			{name: "store alone", unit: rate, about: fmt.Sprintf("jobs with their rows of the audit log, %d in a commit, no API", perCommit)},
			{name: "rest submits", unit: rate, about: fmt.Sprintf("%d clients at once over HTTPS, by token", submitters), aims: []aim{atLeast(0.5, "store alone")}},
			{name: "rest show p50", unit: millis, about: "one more client reads meanwhile"},
			{name: "rest show p99", unit: millis, aims: []aim{atMost(20)}},
			{name: "rest idle show p99", unit: millis, about: "the same when nobody submits"},
		},
		measure: measureREST,
	}
}

func measureREST(ctx context.Context, l *lab) (figures []float64, err error) {
	alone, err := storeAlone(ctx, l)
	if err != nil {
		return nil, err
	}
	options := cluster.Options{Parent: l.dir, REST: true, DispatcherFlags: []string{"--rest-requests-per-second", "1000000", "--rest-burst", "1000000"}}
	if l.profile != "" {
		options.Profile = filepath.Join(l.profile, l.sample)
	}
	c, err := cluster.New(options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Dispatcher.Start(ctx); err != nil {
		return nil, err
	}
	remote, err := remoteUser(ctx, c)
	if err != nil {
		return nil, err
	}
	figures, err = loadREST(ctx, remote)
	return append([]float64{alone}, figures...), err
}

// storeAlone writes jobs as the dispatcher would at its best.
func storeAlone(ctx context.Context, l *lab) (float64, error) {
	dir, err := os.MkdirTemp(l.dir, "store-")
	if err != nil {
		return 0, err
	}
	s, err := store.Open(ctx, filepath.Join(dir, "octaskly.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer s.Close()
	spec, err := protocol.EncodeSpec(&octaskly.Spec{Argv: []string{"true"}})
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for range restJobs / perCommit {
		if err := commitJobs(ctx, s, spec); err != nil {
			return 0, err
		}
	}
	return restJobs / time.Since(start).Seconds(), nil
}

func commitJobs(ctx context.Context, s *store.Store, spec []byte) error {
	c := &store.Changes{}
	for range perCommit {
		id, err := s.NextJobID()
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		c.Jobs = append(c.Jobs, octaskly.Job{ID: id, Owner: "bench", SpecVersion: octaskly.SpecVersion, Spec: spec, Elements: octaskly.Span(0, 0), SubmittedAt: now})
		c.Progress = append(c.Progress, store.ProgressRow{Job: id, Progress: octaskly.Progress{Unclaimed: octaskly.Span(0, 0)}})
		c.Actions = append(c.Actions, octaskly.Action{At: now, Who: "bench", Role: octaskly.RoleClient, From: "127.0.0.1", What: "task.submit", Target: id.String(), Outcome: octaskly.Done})
		c.Seq++
	}
	return s.Commit(ctx, c)
}

// remoteUser makes a user with a token, and clients of his over HTTPS.
func remoteUser(ctx context.Context, c *cluster.Cluster) (func() *client.Client, error) {
	admin := client.New(client.Options{Socket: c.Socket()})
	defer admin.Close()
	if _, err := admin.CreateUser(ctx, api.NewUser{Name: "bench"}); err != nil {
		return nil, err
	}
	token, err := admin.CreateToken(ctx, api.NewToken{Name: "bench", User: "bench"})
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(c.Dir, "dispatcher", "authority.pem"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(ca)
	if block == nil {
		return nil, errors.New("authority.pem has no certificate")
	}
	where := client.Context{Name: "bench", URL: c.REST(), CA: string(pem.EncodeToMemory(block)), Token: token.Secret}
	return func() *client.Client {
		return client.New(client.Options{Server: &client.Server{Context: where}})
	}, nil
}

// loadREST has all clients submit, and one look at what is there, all the while.
func loadREST(ctx context.Context, dial func() *client.Client) ([]float64, error) {
	reader := dial()
	defer reader.Close()
	if _, _, err := submitSingles(ctx, reader, submitters); err != nil { // connects, and is something to look at
		return nil, err
	}
	idle, err := timeShows(ctx, reader, func(n int) bool { return n < 500 })
	if err != nil {
		return nil, err
	}
	var left atomic.Int64
	left.Store(restJobs)
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range submitters {
		group.Go(func() error {
			talker := dial()
			defer talker.Close()
			for left.Add(-1) >= 0 {
				if _, err := talker.Submit(ctx, &api.Submission{Argv: []api.Text{"true"}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	busy, err := timeShows(ctx, reader, func(int) bool { return left.Load() > 0 })
	if waitErr := group.Wait(); waitErr != nil || err != nil {
		return nil, errors.Join(waitErr, err)
	}
	took := time.Since(start)
	return []float64{restJobs / took.Seconds(), quantile(busy, 0.5), quantile(busy, 0.99), quantile(idle, 0.99)}, nil
}

// timeShows reads one task after the other for as long as more says so.
func timeShows(ctx context.Context, reader *client.Client, more func(n int) bool) (took []float64, err error) {
	for n := 0; more(n); n++ {
		start := time.Now()
		if _, err := reader.Show(ctx, octaskly.TaskID{Job: octaskly.JobID(1 + n%submitters)}); err != nil {
			return nil, err
		}
		took = append(took, inMillis(time.Since(start)))
	}
	return took, nil
}
