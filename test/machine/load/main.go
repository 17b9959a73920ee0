// Command load keeps a dispatcher busy in a virtual machine and says on standard
// output, one line for each, what the dispatcher has acknowledged or shown:
//
//	submitted ID            the id was returned
//	cancelled ID            the cancel was accepted, and the job was not over
//	ended ID STATE ATTEMPT  of a job that is over and of each of its elements
//	refused WHY             a call failed; load goes on after a pause
//
// A line is written when the answer is there, never before, so whoever has it
// may hold the dispatcher to it. Called as "load list FIRST", it prints all jobs
// from that id on, and their elements, as the dispatcher has them: ID STATE ATTEMPT.
//
// The tasks of load append a line of their own to a ledger and fsync it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == "list" {
		first, err := octaskly.ParseTaskID(args[1])
		if err != nil {
			return err
		}
		return list(ctx, newClient(), first.Job)
	}
	var d driver
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	flags.StringVar(&d.ledger, "ledger", "/srv/ledger/log", "`FILE` that tasks append to")
	flags.IntVar(&d.runs, "runs", 6, "jobs to be watched to their end at a time")
	flags.IntVar(&d.drops, "drops", 2, "jobs to be cancelled at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d.client = newClient()
	return d.run(ctx)
}
