// Boxes measures what a sandbox costs: `make bench-sandbox`. It runs true with
// captured output, at every level through the executor, beside a plain fork and
// exec, bwrap, crun and runc. It takes root, and octaskly-init.
//
// Everybody takes figures once a round, in another order each round; see package
// bench above. Each sample has three parts:
//
//	apart       one at a time, with a pause after each, in which boxes are made ahead
//	in a row    one at a time: boxes are made while others are used
//	at a time   several at once
//
// Nothing but true runs here, and none of the levels is tried before: this shows
// what boxes cost, not that they hold.
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	rounds, tasks   int
	pause, deadline time.Duration
	init, dir, run  string
	pool            int64
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("boxes", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "measure `N` times")
	flags.IntVar(&o.tasks, "tasks", 100, "run `N` commands in each part of a sample")
	flags.DurationVar(&o.pause, "pause", 20*time.Millisecond, "for `TIME` after each command, of those apart")
	flags.StringVar(&o.init, "init", "bin/octaskly-init", "the `FILE` to make boxes with")
	flags.StringVar(&o.dir, "dir", "/var/lib", "workspaces are below `DIR`; boxes cover /tmp")
	flags.Int64Var(&o.pool, "pool", 0, "`BYTES` of an image for workspaces, which is mounted; 0: none")
	flags.StringVar(&o.run, "run", "", "only what `REGEXP` matches")
	flags.DurationVar(&o.deadline, "deadline", 30*time.Minute, "give up after `TIME`")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case min(o.rounds, o.tasks) < 1:
		return nil, errors.New("-rounds and -tasks are 1 at least")
	case os.Geteuid() != 0:
		return nil, errors.New("boxes take root's rights")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "boxes: %v\n", err)
		return 2
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.deadline, fmt.Errorf("%v are over", o.deadline))
	defer cancel()
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "boxes: %v\n", err)
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
	defer func() { err = errors.Join(err, l.close()) }()
	r := newResults(l)
	failure := r.measure(ctx, l.ways(wanted), stderr)
	return errors.Join(failure, r.write(stdout))
}
