// Bench measures octaskly beside the floor of this machine, in one run: `make
// bench`.
//
// Every probe takes its figures once a round, in another order each round, so
// that a machine that is slow for a while is slow for all of them. Only ratios
// and medians of one run mean anything: on another day, the same machine is a
// fifth faster or slower.
//
// The table goes to stdout, progress and failures to stderr. The exit code is 1
// when a probe has failed; an aim that is missed is no failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareServer {
		if err := serveBare(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	rounds, tasks, samples, procs int
	dir, json, profile, run       string
	deadline                      time.Duration
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "measure `N` times")
	flags.IntVar(&o.tasks, "tasks", 10_000, "run `N` commands in each sample")
	flags.IntVar(&o.samples, "samples", 300, "start `N` commands in each sample of latency")
	flags.IntVar(&o.procs, "procs", runtime.NumCPU(), "use `N` processes for the floor, N and 2N slots")
	flags.StringVar(&o.dir, "dir", "", "measure on the disk of `DIR` (default: the one for temporary files)")
	flags.StringVar(&o.json, "json", "", "write all figures to `FILE`, too")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles of the daemons to `DIR`")
	flags.StringVar(&o.run, "run", "", "only probes that `REGEXP` matches, of "+strings.Join(probeNames(), ", "))
	flags.DurationVar(&o.deadline, "deadline", 30*time.Minute, "give up after `TIME`")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case min(o.rounds, o.tasks, o.samples, o.procs) < 1:
		return nil, errors.New("-rounds, -tasks, -samples and -procs are 1 at least")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.deadline, fmt.Errorf("%v are over", o.deadline))
	defer cancel()
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, o *options, stdout, stderr io.Writer) (err error) {
	wanted, err := regexp.Compile(o.run)
	if err != nil {
		return fmt.Errorf("cannot use -run: %w", err)
	}
	l, err := newLab(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close(), cluster.Clean()) }()
	r := newResults(l, o)
	failure := r.measure(ctx, l, selected(l, wanted), stderr)
	if err := r.write(stdout); err != nil {
		return err
	}
	if o.json != "" {
		failure = errors.Join(failure, r.writeJSON(o.json))
	}
	return failure
}
