package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// results are all figures, and what they were taken on.
type results struct {
	lab     *lab
	ways    []*way
	load    string                          // before
	figures map[string]map[string][]float64 // by figure and way, one a round
}

func newResults(l *lab) *results {
	return &results{lab: l, load: load(), figures: map[string]map[string][]float64{}}
}

// load is how many processes were running, on average of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// measure takes all samples. What is missing is left out, and what fails, from
// then on.
func (r *results) measure(ctx context.Context, ways []*way, stderr io.Writer) error {
	r.ways = ways
	var failed []error
	for round := range r.lab.o.rounds {
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			if w.missing != nil || ctx.Err() != nil {
				continue
			}
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round+1, r.lab.o.rounds, w.name)
			got, err := r.lab.sample(ctx, w)
			if err != nil {
				w.missing = err
				failed = append(failed, fmt.Errorf("%s: %w", w.name, err))
				continue
			}
			r.add(w, got)
		}
	}
	return errors.Join(append(failed, context.Cause(ctx))...)
}

func (r *results) add(w *way, got []float64) {
	for i, f := range figures {
		if r.figures[f.name] == nil {
			r.figures[f.name] = map[string][]float64{}
		}
		r.figures[f.name][w.name] = append(r.figures[f.name][w.name], got[i])
	}
}

func (r *results) write(w io.Writer) error {
	var text strings.Builder
	kernel := "unknown"
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		kernel = unix.ByteSliceToString(name.Release[:])
	}
	o := r.lab.o
	fmt.Fprintf(&text, "%d CPUs, Linux %s, %s; load %s before, %s after; %d rounds of %d commands in each part, pauses of %v\n",
		runtime.NumCPU(), kernel, runtime.Version(), r.load, load(), o.rounds, o.tasks, o.pause)
	for _, way := range r.ways {
		why := ""
		if way.missing != nil {
			why = "; " + way.missing.Error()
		}
		fmt.Fprintf(&text, "  %s: %s%s\n", way.name, way.about, why)
	}
	for _, f := range figures {
		r.writeFigure(&text, f)
	}
	r.writeStages(&text)
	r.writeAims(&text)
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *results) writeFigure(w io.Writer, f figure) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintf(table, "\n%s\tmedian\t\tmin … max\t÷ %s\t\n", f.name, plainWay)
	all := r.figures[f.name]
	for _, way := range r.ways {
		got := all[way.name]
		if len(got) == 0 {
			fmt.Fprintf(table, "%s\tnone\t\t\t\t\n", way.name)
			continue
		}
		ratio := ""
		if to := numbers.Median(numbers.Ratios(got, all[plainWay])); !math.IsNaN(to) {
			ratio = fmt.Sprintf("%.2f", to)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s … %s\t%s\t\n", way.name, short(numbers.Median(got)), f.unit, short(slices.Min(got)), short(slices.Max(got)), ratio)
	}
}

// writeStages says where the time of commands apart goes.
func (r *results) writeStages(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	for _, way := range r.ways {
		if way.stages == nil || way.stages.figures == nil {
			continue
		}
		fmt.Fprintf(table, "\n%s, apart\tp50\tp95\t\n", way.name)
		for i, name := range way.stages.names {
			all := way.stages.figures[i]
			fmt.Fprintf(table, "%s\t%s ms\t%s ms\t\n", name, short(numbers.Median(all)), short(numbers.Quantile(all, 0.95)))
		}
	}
}

// aim is what level strict is wanted to be.
type aim struct {
	figure string
	than   string
	most   bool // rather than at least
	value  float64
}

var aims = []aim{
	{"p50 apart", plainWay, true, 3}, {"p50 in a row", plainWay, true, 3},
	{"1 at a time", bwrapWay, false, 1.5}, {"2 at a time", bwrapWay, false, 1.5}, {"4 at a time", bwrapWay, false, 1.5},
}

func (r *results) writeAims(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	fmt.Fprintln(table, "\naims")
	for _, a := range aims {
		is := numbers.Median(numbers.Ratios(r.figures[a.figure][strictWay], r.figures[a.figure][a.than]))
		if math.IsNaN(is) {
			continue
		}
		sign, off := "≥", 1-is/a.value
		if a.most {
			sign, off = "≤", is/a.value-1
		}
		outcome := "met"
		if off > 0 {
			outcome = fmt.Sprintf("missed by %.1f %%", 100*off)
		}
		fmt.Fprintf(table, "  %s, %s\t%s %v × %s\t%.2f\t%s\n", strictWay, a.figure, sign, a.value, a.than, is, outcome)
	}
}

// short has three digits or more.
func short(figure float64) string {
	digits := 0
	switch size := math.Abs(figure); {
	case size < 10:
		digits = 2
	case size < 100:
		digits = 1
	}
	return fmt.Sprintf("%.*f", digits, figure)
}
