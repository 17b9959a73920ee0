// Links measures the sessions between worker and dispatcher beside the libraries
// that carry them, in one run: `make bench-links`. Both ends are in one process, and
// so are those of the libraries; only ratios of one run mean anything.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"
)

type options struct {
	rounds, sessions int
	span             time.Duration
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == serveWord {
		exit(serve(os.Args[2], os.Stdin, os.Stdout))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "measure `N` times")
	flag.IntVar(&o.sessions, "sessions", 2000, "open `N` idle sessions; 0: none")
	flag.DurationVar(&o.span, "span", 3*time.Second, "measure for `TIME` each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\toctaskly\tbare\tratio\taim\t\n")
	for _, p := range protocols {
		for _, m := range measures {
			ours, bare, ratio, err := compare(ctx, p, m, o)
			if err != nil {
				return fmt.Errorf("cannot measure %s over %s: %w", m.name, p.name, err)
			}
			fmt.Fprintf(table, "%s, %s (%s)\t%.0f\t%.0f\t%.2f\t≥ 0.90\t\n", p.name, m.name, m.unit, ours, bare, ratio)
		}
	}
	for _, p := range protocols {
		if o.sessions == 0 {
			break
		}
		ours, err := idle(ctx, p.name, o.sessions)
		if err != nil {
			return fmt.Errorf("cannot measure idle sessions over %s: %w", p.name, err)
		}
		bare, err := idle(ctx, p.name+bareSuffix, o.sessions)
		if err != nil {
			return fmt.Errorf("cannot measure idle connections over %s: %w", p.name, err)
		}
		fmt.Fprintf(table, "%s, idle session (KB of RSS)\t%.0f\t%.0f\t%.2f\t≤ %.0f KB\t\n", p.name, ours, bare, ours/bare, p.idleAim)
	}
	return table.Flush()
}
