package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// sampleTimeout bounds one probe of one round.
const sampleTimeout = 5 * time.Minute

// results are all figures, and what they were taken on.
type results struct {
	machine  string
	started  time.Time
	dir      string
	rounds   int
	tasks    int
	rows     []row
	figures  map[string][]float64 // of each row, a figure a round
	failures map[string]error     // of probes
}

func newResults(l *lab, o *options) *results {
	kernel := "unknown"
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		kernel = unix.ByteSliceToString(name.Release[:])
	}
	return &results{
		machine: fmt.Sprintf("%d CPUs, Linux %s, %s", runtime.NumCPU(), kernel, runtime.Version()),
		started: time.Now(), dir: l.dir, rounds: o.rounds, tasks: o.tasks,
		figures: map[string][]float64{}, failures: map[string]error{},
	}
}

// measure takes all samples. A probe that fails is left out from then on; the
// error names those. Nothing is measured any more when ctx is done.
func (r *results) measure(ctx context.Context, l *lab, probes []probe, stderr io.Writer) error {
	for _, p := range probes {
		r.rows = append(r.rows, p.rows...)
	}
	for round := range r.rounds {
		for _, p := range rotated(probes, round) {
			if r.failures[p.name] != nil || ctx.Err() != nil {
				continue
			}
			l.sample = fmt.Sprintf("%s-%d", p.name, round+1)
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round+1, r.rounds, p.name)
			if err := r.sample(ctx, l, p); err != nil {
				fmt.Fprintf(stderr, "%s: %v\n", p.name, err)
				r.failures[p.name] = err
			}
		}
	}
	return r.failure(ctx, probes)
}

func (r *results) sample(ctx context.Context, l *lab, p probe) error {
	ctx, cancel := context.WithTimeoutCause(ctx, sampleTimeout, fmt.Errorf("it takes more than %v", sampleTimeout))
	defer cancel()
	figures, err := p.measure(ctx, l)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.Join(err, context.Cause(ctx))
	case err != nil:
		return err
	case len(figures) != len(p.rows):
		return fmt.Errorf("it has %d figures for %d rows", len(figures), len(p.rows))
	}
	for i, row := range p.rows {
		r.figures[row.name] = append(r.figures[row.name], figures[i])
	}
	return nil
}

func (r *results) failure(ctx context.Context, probes []probe) error {
	var failed []string
	for _, p := range probes {
		if r.failures[p.name] != nil {
			failed = append(failed, p.name)
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not everything was measured: %w", context.Cause(ctx))
	}
	if failed != nil {
		return fmt.Errorf("these have failed: %v", failed)
	}
	return nil
}

// rotated begins with another one each round.
func rotated(probes []probe, round int) []probe {
	if len(probes) == 0 {
		return nil
	}
	first := round % len(probes)
	return slices.Concat(probes[first:], probes[:first])
}
