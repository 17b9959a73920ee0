package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// taskFlags are the flags of submit and run. All values are read here and not
// by cli, whose messages name neither the flag nor what it would take.
func taskFlags() []cli.Flag {
	return slices.Concat(commandFlags(), boxFlags(), limitFlags(), arrayFlags(), jobFlags())
}

// commandFlags say what is run, and where.
func commandFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "`NAME` of the job, for people"},
		&cli.StringSliceFlag{Name: "env", KeepSpace: true, Usage: "set the variable `NAME=VALUE`; NAME alone has the value it has here; may be repeated"},
		&cli.StringFlag{Name: "env-file", Usage: "set the variables in `FILE`, one a line as for --env, which wins"},
		&cli.StringSliceFlag{Name: "secret-env", KeepSpace: true, Usage: "set the variable `NAME[=FILE]` to what FILE has, without a newline at its end; nobody but the command sees it; - is stdin, NAME alone is asked for on a terminal; may be repeated"},
		&cli.StringFlag{Name: "cwd", Usage: "run in `DIR` of the worker's machine, not in an empty workspace"},
		&cli.StringFlag{Name: "stdin", Usage: "give the command `FILE` of this machine as its stdin; - is octasklyctl's own"},
		&cli.BoolFlag{Name: "shell", Usage: "run one word, a script, by sh -c"},
		&cli.BoolFlag{Name: "merge", Usage: "send stderr down stdout's pipe, for exact order"},
	}
}

func arrayFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "array", Usage: "run one task for each index in `RANGES[%N]`, such as 0-99:2 or 1-5,9; at most N at a time"},
		&cli.StringFlag{Name: "each-line", Usage: "run one task for each line of `FILE`, which is $OCTASKLY_ITEM there; - is stdin"},
	}
}

// jobFlags say what the dispatcher does about the job.
func jobFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "retries", Usage: "after a failure, try up to `N` more times"},
		&cli.StringFlag{Name: "backoff", Usage: "wait `TIME` before the first retry, twice that before the second, and so on (default: 1s)"},
		&cli.BoolFlag{Name: "at-most-one", Usage: "never run it twice at the same time; so a worker that cannot reach the dispatcher for half a lease stops it, to be run again later"},
		&cli.StringFlag{Name: "idempotency-key", Usage: "if a job of yours was submitted with `KEY` before, take that one"},
	}
}
