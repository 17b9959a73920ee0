package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// figure is one column of a sample.
type figure struct{ name, unit string }

// The figures of a sample, in the order of the tables.
var figures = []figure{
	{"p50 apart", "ms"}, {"p95 apart", "ms"},
	{"p50 in a row", "ms"}, {"p95 in a row", "ms"},
	{"1 at a time", "/s"}, {"2 at a time", "/s"}, {"4 at a time", "/s"},
	{"processor time for each", "ms"},
}

// pausesToSettle is how long it takes until all is as if nothing had run, in
// pauses.
const pausesToSettle = 10

// sample takes all figures of a way.
func (l *lab) sample(ctx context.Context, w *way) (got []float64, err error) {
	if _, err := l.burst(ctx, w, 2*slots, slots); err != nil { // boxes of another kind go
		return nil, err
	}
	time.Sleep(pausesToSettle * l.o.pause)
	w.stages.keep(true)
	apart, err := l.times(ctx, w, l.o.pause)
	if err != nil {
		return nil, err
	}
	w.stages.keep(false)
	row, err := l.times(ctx, w, 0)
	if err != nil {
		return nil, err
	}
	time.Sleep(pausesToSettle * l.o.pause)
	got = []float64{numbers.Quantile(apart, 0.5), numbers.Quantile(apart, 0.95), numbers.Quantile(row, 0.5), numbers.Quantile(row, 0.95)}
	before, err := l.meter.spent()
	if err != nil {
		return nil, err
	}
	for _, width := range []int{1, 2, 4} {
		took, err := l.burst(ctx, w, l.o.tasks, width)
		if err != nil {
			return nil, err
		}
		got = append(got, float64(l.o.tasks)/took.Seconds())
	}
	time.Sleep(pausesToSettle * l.o.pause) // boxes are made for the next ones, as they were for these
	after, err := l.meter.spent()
	return append(got, numbers.InMillis(after-before)/float64(3*l.o.tasks)), err
}

// times are those of commands one after the other, in milliseconds.
func (l *lab) times(ctx context.Context, w *way, pause time.Duration) (took []float64, err error) {
	for range l.o.tasks {
		began := time.Now()
		if err := w.run(); err != nil {
			return nil, err
		}
		took = append(took, numbers.InMillis(time.Since(began)))
		time.Sleep(pause)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return took, nil
}

// burst is how long so many commands take, so many at a time.
func (l *lab) burst(ctx context.Context, w *way, tasks, width int) (time.Duration, error) {
	group, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	began := time.Now()
	for range width {
		group.Go(func() error {
			for taken.Add(1) <= int64(tasks) && ctx.Err() == nil {
				if err := w.run(); err != nil {
					return fmt.Errorf("cannot run it %d at a time: %w", width, err)
				}
			}
			return context.Cause(ctx)
		})
	}
	err := group.Wait()
	return time.Since(began), err
}
