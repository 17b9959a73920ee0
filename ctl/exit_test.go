package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestExitCode(t *testing.T) {
	wrap := func(err error) error { return withHint(fmt.Errorf("cannot do it: %w", err), "do something else") }
	for _, tt := range []struct {
		err       error
		want, run int // run: under octasklyctl run
		kind      string
	}{
		{nil, 0, 0, "error"},
		{errors.New("anything"), 1, 125, "error"},
		{usagef("bad"), 2, 2, "usage"},
		{&valueError{"name"}, 2, 2, "usage"},
		{&octaskly.FieldError{Field: "env", Why: "bad"}, 2, 2, "usage"},
		{&api.Error{Kind: "bad-input", Field: "array", Message: "array: bad"}, 2, 2, "usage"},
		{&api.Error{Kind: "not-found", Message: "no"}, 66, 125, "not-found"},
		{octaskly.ErrNotFound, 66, 125, "not-found"},
		{&client.Unreachable{Socket: "/s", Err: errors.New("no")}, 69, 125, "unreachable"},
		{octaskly.ErrUnavailable, 69, 125, "unreachable"},
		{&client.Unreachable{URL: "https://h", Err: &tls.CertificateVerificationError{Err: errors.New("no")}}, 77, 125, "untrusted"},
		{&untrusted{errors.New("no")}, 77, 125, "untrusted"},
		{&client.Unauthorized{URL: "https://h", Err: errors.New("no")}, 77, 125, "unauthorized"},
		{octaskly.ErrDenied, 77, 125, "denied"},
		{&api.Error{Kind: "denied", Message: "no"}, 77, 125, "denied"},
		{octaskly.ErrOver, 1, 125, "over"},
		{octaskly.ErrGone, 66, 125, "gone"},
		{octaskly.ErrFull, 1, 125, "full"},
		{octaskly.ErrConflict, 1, 125, "conflict"},
		{client.ErrCut, 69, 125, "unreachable"},
		{&exitStatus{exitWaited, errors.New("too long")}, 124, 124, "timeout"},
		{exits(130), 130, 130, "error"},
		{exits(42), 42, 42, "error"},
		{exits(0), 0, 0, "error"},
	} {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("%v exits with %d, want %d", tt.err, got, tt.want)
		}
		if got := exitCode(runFailure(tt.err)); got != tt.run {
			t.Errorf("%v under run exits with %d, want %d", tt.err, got, tt.run)
		}
		if tt.err == nil {
			continue
		}
		if got := exitCode(wrap(tt.err)); got != tt.want {
			t.Errorf("%v, wrapped, exits with %d, want %d", tt.err, got, tt.want)
		}
		if got := kindOf(wrap(tt.err)); got != tt.kind {
			t.Errorf("%v is of kind %q, want %q", tt.err, got, tt.kind)
		}
	}
}

func TestExitOf(t *testing.T) {
	plain := func(s octaskly.State, r octaskly.Reason) *api.Job { return &api.Job{State: s, Reason: r, Tasks: 1} }
	array := func(s octaskly.State, n int64) *api.Job { return &api.Job{State: s, Array: "0-9", Tasks: n} }
	done, failed := plain(octaskly.Completed, ""), plain(octaskly.Failed, "exit:3")
	for _, tt := range []struct {
		name string
		jobs []*api.Job
		want int
	}{
		{"none", nil, 0},
		{"completed", []*api.Job{done}, 0},
		{"its own code", []*api.Job{failed}, 3},
		{"a signal", []*api.Job{plain(octaskly.Failed, "signal:9")}, 137},
		{"a timeout", []*api.Job{plain(octaskly.TimedOut, "timeout")}, 124},
		{"cancelled", []*api.Job{plain(octaskly.Cancelled, "cancelled")}, 125},
		{"lost", []*api.Job{plain(octaskly.Failed, "worker-lost×5")}, 125},
		{"cwd", []*api.Job{plain(octaskly.Failed, "cwd:ENOENT")}, 125},
		{"not executable", []*api.Job{plain(octaskly.Failed, "spawn:EACCES")}, 126},
		{"not found", []*api.Job{plain(octaskly.Failed, "spawn:ENOENT")}, 127},
		{"several, all completed", []*api.Job{done, done}, 0},
		{"several, one not", []*api.Job{done, failed}, 1},
		{"array, completed", []*api.Job{array(octaskly.Completed, 10)}, 0},
		{"array, failed", []*api.Job{array(octaskly.Failed, 10)}, 1},
		{"array of one", []*api.Job{array(octaskly.Failed, 1)}, 1},
	} {
		if got := exitOf(tt.jobs); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
