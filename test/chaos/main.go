// Chaos tries to make octaskly break its promises: `make chaos`.
//
// It runs a dispatcher and four workers, submits short and long tasks at a steady
// pace, and lets disasters happen: daemons are killed, frozen, stopped and started,
// links are cut, stalled, slowed down and made to lose bytes, workers are drained.
// Every task writes down by itself when it begins and ends (test/chaos/attempt), and
// chaos writes down what it was told. When all rounds are over everything is healed,
// and what was accepted must come to its end. Then the ledger, the store, the process
// table and the files are compared, see the rules in judge.go.
//
// The seed decides on the disasters and on what is submitted; the same seed makes
// the same sequence of either. How the two meet is a matter of time, and differs.
//
// Progress goes to stderr, figures and violations to stdout. The exit code is 1 when
// a promise was not kept; the scratch directory is then left for a look.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
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
	rounds int
	seed   uint64
	lease  time.Duration
	dir    string
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 200, "let `N` rounds of disasters happen")
	flags.Uint64Var(&o.seed, "seed", 0, "do again what was done with seed `N` (default: a new one)")
	flags.DurationVar(&o.lease, "lease", 2*time.Second, "have the dispatcher trust a silent worker for `TIME`")
	flags.StringVar(&o.dir, "dir", "", "work below `DIR` (default: the directory for temporary files)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 0:
		return nil, errors.New("-rounds is 0 at least")
	case o.lease < 500*time.Millisecond:
		return nil, errors.New("-lease is 500ms at least")
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1e9)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return 2
	}
	began := time.Now()
	fmt.Fprintf(stderr, "chaos: seed %d, %d rounds\n", o.seed, o.rounds)
	t, err := try(ctx, o, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "chaos: %v\n", err)
		return 1
	}
	t.report(stdout, time.Since(began))
	if len(t.found) > 0 {
		return 1
	}
	return 0
}
