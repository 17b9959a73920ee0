package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/pty"
	"github.com/octaskly/octaskly/test/cluster"
)

// On a terminal a list ends with what goes on, in the figures that stats has for
// programs; in a pipe it has nothing but its rows.
func TestListSaysWhatGoesOn(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	start(t, c.Worker("w1", "--slots", "1"))
	g := newOpenGate(t)
	running := submit(t, c, g.command("true")...)
	g.await(t)
	awaitRunning(t, c, running)
	submit(t, c, "--array", "0-4", "--", "true")
	submit(t, c, "--cpus", "1000", "--", "true")
	var stats api.Stats
	check(t, json.Unmarshal([]byte(must(t, c, "stats", "-o", "json")), &stats))
	want := fmt.Sprintf("%d running, %d queued (5 for a free slot); 1 of 1 slots on 1 worker busy\r\n", stats.Tasks["running"], stats.Tasks["queued"])

	screen := pty.Open(t, 100, 30)
	screen.Start(c.Command(timeout(t), "ls"))
	screen.Await(timeout(t), want, 0)
	for line := range strings.Lines(screen.Written()) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\r\n")) > 100 {
			t.Errorf("%q is wider than the terminal", line)
		}
	}
	if rows := must(t, c, "ls"); strings.Count(rows, "\n") != 4 || strings.Contains(rows, "slots") {
		t.Errorf("in a pipe it is\n%s", rows)
	}
	g.pass(t)
}

// An array that goes on says how far it is, how fast, and for how long.
func TestArrayTellsItsRate(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	id := submit(t, c, "--array", "0-999", "--", "sleep", "0.1")
	var job api.Job
	awaitSuccess(t, func() bool {
		var list api.Jobs
		check(t, json.Unmarshal([]byte(must(t, c, "ls", "-o", "json")), &list))
		job = list.Tasks[0]
		return job.Rate > 0 && job.Counts["completed"] > 0 // the first is of memory, the other of the disk
	})
	if job.Left == nil || *job.Left <= 0 {
		t.Errorf("%+v", job)
	}
	if rows := must(t, c, "ls"); !strings.Contains(rows, "/s, ") || !strings.Contains(rows, " left ") {
		t.Errorf("ls says\n%s", rows)
	}
	must(t, c, "cancel", id)
}
