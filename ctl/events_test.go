package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// happenedAt is when all of these happened.
var happenedAt = time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)

func happening(kind string, e api.Event) api.Event {
	e.ID, e.At, e.Kind = "G.7", happenedAt, kind
	return e
}

func TestEventLines(t *testing.T) {
	for _, test := range []struct {
		event api.Event
		want  string
	}{
		{happening("dispatcher.started", api.Event{Detail: "1.2"}), "- dispatcher.started - 1.2"},
		{happening("job.submitted", api.Event{Job: "42", Owner: "ann", Elements: "0-9", Tasks: 10, Detail: "sum"}), "42 job.submitted - by ann, elements 0-9: sum"},
		{happening("job.submitted", api.Event{Job: "42", Task: "42", Owner: "ann"}), "42 job.submitted - by ann"},
		{happening("task.assigned", api.Event{Task: "42.7", Worker: "w1", Attempt: 1}), "42.7 task.assigned w1"},
		{happening("task.assigned", api.Event{Task: "42.7", Worker: "w1", Attempt: 2}), "42.7 task.assigned w1 attempt 2"},
		{happening("task.running", api.Event{Task: "42.7", Worker: "w1", Attempt: 2, Why: "back"}), "42.7 task.running w1 its worker is back with it"},
		{happening("task.queued", api.Event{Task: "42", Worker: "w1", Why: "lost", Reason: "worker-lost"}), "42 task.queued w1 again, its worker is lost"},
		{happening("task.queued", api.Event{Task: "42", Worker: "w1", Why: "retry", Reason: "exit:3", Detail: "d"}), "42 task.queued w1 again, it failed and has retries left: exit:3: d"},
		{happening("task.queued", api.Event{Job: "42", Elements: "1-5", Why: "again"}), "42 task.queued - again, as somebody wants: elements 1-5"},
		{happening("task.queued", api.Event{Task: "42", Why: "of a newer dispatcher"}), "42 task.queued - of a newer dispatcher"},
		{happening("task.ended", api.Event{Task: "42", Worker: "w1", State: octaskly.Completed}), "42 task.ended w1 completed"},
		{happening("task.ended", api.Event{Task: "42", Worker: "w1", State: octaskly.Failed, Reason: "oom", Detail: "too much"}), "42 task.ended w1 failed oom: too much"},
		{happening("task.ended", api.Event{Task: "42", State: octaskly.Cancelled, Reason: "cancelled", Detail: "by ann: no more"}), "42 task.ended - cancelled by ann: no more"},
		{happening("job.cancelled", api.Event{Job: "42", Elements: "5-9", Detail: "by ann"}), "42 job.cancelled - elements 5-9 by ann"},
		{happening("worker.drained", api.Event{Worker: "w\x1b[2J", Detail: "by ann: \x1b]0;x\a"}), `- worker.drained w\x1b[2J by ann: \x1b]0;x\a`},
	} {
		line := eventLine(&test.event)
		if got := strings.Join(strings.Fields(line), " "); got != "2026-11-23 12:00:00 "+test.want {
			t.Errorf("%s\nwant: %s", got, test.want)
		}
	}
}

// The last few come from as many pages as it takes, and what follows goes on after
// the latest of them.
func TestEvents(t *testing.T) {
	f := newFake()
	f.onEvents = func(q api.EventQuery) *api.Events {
		if q.Before == nil {
			return &api.Events{Events: []api.Event{happening("task.running", api.Event{Task: "2"})}, Next: "G.9", Before: "G.5"}
		}
		return &api.Events{Events: []api.Event{happening("task.assigned", api.Event{Task: "1"})}, Next: "G.4"}
	}
	f.onFollow = func(yield func([]api.Event, api.Cursor) error) error {
		err := yield([]api.Event{
			{ID: "G.8", Kind: api.GapMarker, From: 5, To: 8}, {ID: "G.9", Kind: api.ResetMarker}, happening("task.ended", api.Event{Task: "3", State: octaskly.Completed}),
		}, api.Cursor{Generation: "G", Seq: 9})
		return errors.Join(err, octaskly.ErrNotFound) // it cannot be waited for
	}
	d := serve(t, f)
	got := d.ctl("events", "-n", "5", "--task", "42.7", "--worker", "w", "--kind", "task")
	if lines := strings.Split(got.stdout, "\n"); got.code != 0 || len(lines) != 3 || !strings.Contains(lines[0], " 1  ") || !strings.Contains(lines[1], " 2  ") {
		t.Errorf("%+v", got)
	}
	want := []string{
		`events "w" [task.queued task.assigned task.running task.ended task.cancelling task.late] <nil> <nil> 5`,
		`events "w" [task.queued task.assigned task.running task.ended task.cancelling task.late] <nil> G.5 4`,
	}
	if asked := f.questions(); strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}
	if got := d.ctl("events", "-n", "1", "-o", "json"); got.stdout != `{"id":"G.7","seq":0,"at":"`+happenedAt.Format(time.RFC3339Nano)+`","kind":"task.running","task":"2"}`+"\n" {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("events", "-n", "1", "-o", "quiet"); got.stdout != "G.7\n" {
		t.Errorf("%+v", got)
	}
}

func TestEventsRefused(t *testing.T) {
	d := serve(t, newFake())
	for args, want := range map[string]string{
		"events 42":                `events takes no words, and "42" is one`,
		"events --task x":          `--task`,
		"events --since x":         `is not the id of an event`,
		"events --since 0 -n 5":    `--since and --lines do not go together`,
		"events -n -1":             `cannot use --lines "-1"`,
		"events --kind task.began": `no kind of events is called "task.began"`,
	} {
		if got := d.ctl(strings.Fields(args)...); got.code != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
