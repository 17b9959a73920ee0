package main

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestWhy(t *testing.T) {
	detail := func(state octaskly.State, reason octaskly.Reason, words string) *api.Detail {
		return &api.Detail{Job: api.Job{ID: "42", State: state, Reason: reason, Detail: words, Command: []api.Text{"foo"}, Worker: "w 1"}}
	}
	ended := func(state octaskly.State, reason octaskly.Reason, limit, peak float64, words string) *api.Detail {
		d := detail(state, reason, words)
		d.Attempts = []api.Attempt{{Number: 1, State: octaskly.Failed, Reason: "exit:1"}, {Number: 2, State: state, Reason: reason, Limit: limit, Peak: peak}}
		return d
	}
	limited := detail(octaskly.TimedOut, "timeout", "")
	limited.Submission.Timeout = new(api.Seconds(5 * time.Second))
	for _, tt := range []struct {
		detail *api.Detail
		want   string
	}{
		{detail(octaskly.Completed, "", ""), ""},
		{detail(octaskly.Failed, "exit:3", ""), ""},
		{limited, "task 42 timed out after 5s; --timeout raises it"},
		{ended(octaskly.TimedOut, "timeout", 90, 90.2, "it ran too long"), "task 42 timed out after 1m30s; --timeout raises it"},
		{detail(octaskly.TimedOut, "timeout", ""), "task 42 timed out"},
		{detail(octaskly.Cancelled, "cancelled", "by alice: wrong input"), "task 42 was cancelled by alice: wrong input"},
		{detail(octaskly.Cancelled, "cancelled", ""), "task 42 was cancelled"},
		{detail(octaskly.Failed, "signal:9", ""), "task 42 was ended by signal 9 (SIGKILL)"},
		{detail(octaskly.Failed, "signal:40", ""), "task 42 was ended by signal 40"},
		{detail(octaskly.Failed, "spawn:ENOENT", "command \"foo\" was not found on worker \"w1\""), "task 42 could not be started: command \"foo\" was not found on worker \"w1\""},
		{detail(octaskly.Failed, "spawn:ENOENT", ""), "task 42 could not be started: cannot execute \"foo\": not found"},
		{detail(octaskly.Failed, "spawn:EACCES", ""), "task 42 could not be started: cannot execute \"foo\": permission denied"},
		{detail(octaskly.Failed, "cwd:ENOENT", "directory \"/x\" does not exist"), "task 42 could not be started: directory \"/x\" does not exist"},
		{detail(octaskly.Failed, "worker-lost×5", ""), "task 42 was given up: its worker went away 5 times while it ran; octasklyctl retry 42 tries once more"},
		{detail(octaskly.Failed, "executor", "the disk is full"), "task 42 failed (executor): the disk is full"},
		{ended(octaskly.Failed, "oom", 2<<30, 2<<30, "its limit is reached"), "task 42 reached its limit of 2GiB memory (peak 2GiB); --memory raises it"},
		{ended(octaskly.Failed, "cpu-time", 3600, 3601.5, ""), "task 42 reached its limit of 1h cpu time (used 1h); --cpu-time raises it"},
		{ended(octaskly.Failed, "cpu-time", 0.5, 0.52, ""), "task 42 reached its limit of 500ms cpu time (used 520ms); --cpu-time raises it"},
		{ended(octaskly.Failed, "disk", 10<<30, 0, ""), "task 42 reached its limit of 10GiB disk; --disk raises it"},
		{ended(octaskly.Failed, "processes", 10, 10, ""), "task 42 reached its limit of 10 processes (peak 10); --processes raises it"},
		{ended(octaskly.Failed, "oom", 0, 0, "the machine has no more memory to give"), "task 42 failed (oom): the machine has no more memory to give"},
		{detail(octaskly.Failed, "oom", ""), "task 42 failed (oom)"},
		{detail(octaskly.Failed, "unenforceable:strict", ""), `task 42 was refused: worker "w 1" does not offer level strict; octasklyctl worker show 'w 1' tells more`},
		{detail(octaskly.Failed, "unenforceable:limit:cpu-time", ""), `task 42 was refused: worker "w 1" does not offer a limit of cpu time; octasklyctl worker show 'w 1' tells more`},
		{detail(octaskly.Failed, "unenforceable:network:host", ""), `task 42 was refused: worker "w 1" does not offer network:host; octasklyctl worker show 'w 1' tells more`},
		{detail(octaskly.Failed, "unenforceable:cpu", "it has 1 in all"), `task 42 was refused: it has 1 in all; octasklyctl worker show 'w 1' tells more`},
		{detail(octaskly.Failed, "unenforceable:strict", "no; octasklyctl worker show says why"), `task 42 was refused: no; octasklyctl worker show says why`},
	} {
		if got := why(tt.detail); got != tt.want {
			t.Errorf("%v %s: %q, want %q", tt.detail.State, tt.detail.Reason, got, tt.want)
		}
	}
}
