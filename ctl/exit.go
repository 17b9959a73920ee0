package main

import (
	"errors"
	"io/fs"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// What octasklyctl exits with, beside the codes of the commands that it runs
// (octaskly.ExitCode). 66, 69 and 77 are EX_NOINPUT, EX_UNAVAILABLE and
// EX_NOPERM of sysexits.h.
const (
	exitDone        = 0
	exitError       = 1 // also: of several tasks, some did not complete
	exitUsage       = 2
	exitNotFound    = 66 // also: it is no longer kept
	exitUnreachable = 69 // also: the dispatcher went away in the middle of its answer
	exitDenied      = 77
	exitWaited      = 124 // wait --timeout
	exitRunFailed   = 125 // run could not do its part
	exitInterrupted = 130 // 128+SIGINT
	exitPipe        = 141 // 128+SIGPIPE
)

// exitOf is the contract of run, wait and submit --wait for jobs that are over:
// a single task's own code; of several, and of an array whatever its size,
// whether all completed.
func exitOf(jobs []*api.Job) int {
	if len(jobs) == 1 && jobs[0].Array == "" {
		return octaskly.ExitCode(jobs[0].State, jobs[0].Reason)
	}
	for _, job := range jobs {
		if job.State != octaskly.Completed {
			return exitError
		}
	}
	return exitDone
}

// exitStatus ends the program with a code. With a nil error there is nothing
// left to say.
type exitStatus struct {
	code int
	err  error
}

func (e *exitStatus) Error() string {
	if e.err == nil {
		return "exit status only"
	}
	return e.err.Error()
}

func (e *exitStatus) Unwrap() error { return e.err }

// exits is an error that ends the program with code and without a word; nil if
// code is 0.
func exits(code int) error {
	if code == exitDone {
		return nil
	}
	return &exitStatus{code: code}
}

// runFailure gives an error of run the code that no command is blamed for.
func runFailure(err error) error {
	var status *exitStatus
	if err == nil || errors.As(err, &status) || isUsage(err) {
		return err
	}
	return &exitStatus{exitRunFailed, err}
}

// exitCode is what the program exits with for the error of a command.
func exitCode(err error) int {
	var status *exitStatus
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		return status.code
	case isUsage(err):
		return exitUsage
	case errors.Is(err, octaskly.ErrNotFound), errors.Is(err, octaskly.ErrGone):
		return exitNotFound
	case errors.Is(err, octaskly.ErrDenied), errors.Is(err, octaskly.ErrUnknown), errors.Is(err, fs.ErrPermission): // also: the socket's mode forbids it
		return exitDenied
	case distrusted(err): // before the next: whoever tries again must not trust somebody in between
		return exitDenied
	case unreachable(err), errors.Is(err, client.ErrCut):
		return exitUnreachable
	}
	return exitError
}
