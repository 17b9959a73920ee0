package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/bench/numbers"
	"github.com/octaskly/octaskly/test/cluster"
)

// backlogProbe is a dispatcher that starts with a million jobs that have ended and
// a million that wait, in turn with one that has as many as octasklyctl ls shows.
// No worker is there.
func backlogProbe(*lab) probe {
	return standing("backlog", "a million jobs have ended, a million wait", fillJobs(million, million), fillJobs(10, 1000))
}

// arrayBacklogProbe is the same with one array of a million tasks that wait, in
// turn with one job of one.
func arrayBacklogProbe(*lab) probe {
	return standing("array-backlog", "an array of a million tasks waits", fillArray, fillJobs(0, 1))
}

// standing measures dispatchers on two stores in turn, a full one and one with
// little in it.
func standing(name, about string, full, little fill) probe {
	other := name + " (little)"
	return probe{
		name: name,
		rows: []row{
			{name: name + " start", unit: millis, about: about + ": from exec to the first answer", aims: []aim{atMost(1000)}},
			{name: name + " ls", unit: millis, about: "octasklyctl ls", aims: []aim{atMostTimes(2, other+" ls")}},
			{name: name + " stats", unit: millis, about: "octasklyctl stats", aims: []aim{atMostTimes(2, other+" stats")}},
			{name: name + " version p99", unit: millis, about: "an answer that reads nothing: the least there is"},
			{name: name + " show p50", unit: millis, about: fmt.Sprintf("%d tasks at random over one connection", looks)},
			{name: name + " show p99", unit: millis, aims: []aim{atMost(0.5)}},
			{name: name + " submits", unit: rate, about: fmt.Sprintf("%d over one connection", submits), aims: []aim{atLeast(0.9, other+" submits")}},
			{name: name + " RSS", unit: mega, about: "afterwards"},
			{name: other + " start", unit: millis, about: "the same with as many jobs as ls shows, in turn"},
			{name: other + " ls", unit: millis},
			{name: other + " stats", unit: millis},
			{name: other + " version p99", unit: millis},
			{name: other + " show p50", unit: millis},
			{name: other + " show p99", unit: millis},
			{name: other + " submits", unit: rate},
			{name: other + " RSS", unit: mega},
		},
		measure: func(ctx context.Context, l *lab) (figures []float64, err error) {
			var paths [2]string
			for i, fill := range []fill{full, little} {
				paths[i] = l.path(fmt.Sprintf("%s-%d.db", name, i))
				if _, err := os.Stat(paths[i]); errors.Is(err, os.ErrNotExist) { // once for all rounds
					if err := fill.write(ctx, paths[i]); err != nil {
						return nil, fmt.Errorf("cannot fill a store: %w", err)
					}
				}
			}
			err = l.withStands(paths[:], func(stands []*stand) error {
				stands[0].jobs, stands[1].jobs = full.jobs, little.jobs
				figures, err = compare(ctx, stands)
				return err
			})
			return figures, err
		},
	}
}

func atMostTimes(value float64, than string) aim { return aim{than: than, most: true, value: value} }

const (
	looks   = 2000 // reads of a task
	submits = 2000
	calls   = 5 // of octasklyctl
)

// stand is a dispatcher that is measured.
type stand struct {
	*cluster.Cluster
	talker *client.Client
	jobs   int // ids from 1 that can be looked at
}

// withStands calls use with a dispatcher for each database, none of which runs yet.
// The databases are put back when it returns.
func (l *lab) withStands(paths []string, use func([]*stand) error) (err error) {
	var stands []*stand
	for i, path := range paths {
		s, err := l.newStand(i)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		defer s.talker.Close()
		state := filepath.Join(s.Dir, "dispatcher")
		inUse := filepath.Join(state, "octaskly.db")
		if err := errors.Join(os.Mkdir(state, 0o700), os.Rename(path, inUse)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Dispatcher.Stop(), os.Rename(inUse, path)) }()
		stands = append(stands, s)
	}
	return use(stands)
}

func (l *lab) newStand(i int) (*stand, error) {
	options := cluster.Options{Parent: l.dir}
	if l.profile != "" {
		options.Profile = filepath.Join(l.profile, fmt.Sprintf("%s-%d", l.sample, i))
	}
	c, err := cluster.New(options)
	if err != nil {
		return nil, err
	}
	return &stand{Cluster: c, talker: client.New(client.Options{Socket: c.Socket()})}, nil
}

// step is something that is done some times at each stand, in turn.
type step struct {
	times   int
	do      func(*stand, context.Context) error
	figures []func(millis []float64) float64
}

var steps = []step{
	{1, (*stand).start, figuresOf(numbers.Median)},
	{calls, (*stand).ls, figuresOf(numbers.Median)},
	{calls, (*stand).stats, figuresOf(numbers.Median)},
	{1, (*stand).rest, nil},
	{looks, (*stand).version, figuresOf(p99)},
	{looks, (*stand).look, figuresOf(numbers.Median, p99)},
	{submits, (*stand).submit, figuresOf(perSecond)},
}

func figuresOf(list ...func([]float64) float64) []func([]float64) float64 { return list }

func p99(millis []float64) float64       { return numbers.Quantile(millis, 0.99) }
func perSecond(millis []float64) float64 { return 1000 / mean(millis) }

// compare takes the figures of all stands.
func compare(ctx context.Context, stands []*stand) ([]float64, error) {
	figures := make([][]float64, len(stands))
	for _, step := range steps {
		took := make([][]float64, len(stands))
		for range step.times {
			for i, s := range stands {
				start := time.Now()
				if err := step.do(s, ctx); err != nil {
					return nil, fmt.Errorf("%w\n%s", err, s.Logs())
				}
				took[i] = append(took[i], numbers.InMillis(time.Since(start)))
			}
		}
		for i := range stands {
			for _, figure := range step.figures {
				figures[i] = append(figures[i], figure(took[i]))
			}
		}
	}
	for i, s := range stands {
		memory, err := readMemory(s.Dispatcher.PID())
		if err != nil {
			return nil, err
		}
		figures[i] = append(figures[i], memory.rss)
	}
	return slices.Concat(figures...), nil
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}

// start returns when the dispatcher has given its first answer.
func (s *stand) start(ctx context.Context) error {
	if err := s.Dispatcher.Launch(); err != nil {
		return err
	}
	return s.await(ctx, func() bool { _, err := s.talker.Stats(ctx); return err == nil })
}

// rest waits until the dispatcher has looked through its database.
func (s *stand) rest(ctx context.Context) error {
	return s.await(ctx, func() bool { return strings.Contains(s.Logs(), "Database is sound") })
}

func (s *stand) await(ctx context.Context, come func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it has not come within a minute"))
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *stand) ls(ctx context.Context) error {
	_, err := ctl(ctx, s.Cluster, "ls")
	return err
}

func (s *stand) stats(ctx context.Context) error {
	_, err := ctl(ctx, s.Cluster, "stats")
	return err
}

func (s *stand) version(ctx context.Context) error {
	_, err := s.talker.Version(ctx)
	return err
}

// look shows a task at random.
func (s *stand) look(ctx context.Context) error {
	_, err := s.talker.Show(ctx, octaskly.TaskID{Job: octaskly.JobID(rand.IntN(s.jobs) + 1)})
	return err
}

func (s *stand) submit(ctx context.Context) error {
	_, err := s.talker.Submit(ctx, &api.Submission{Argv: []api.Text{"true"}})
	return err
}
