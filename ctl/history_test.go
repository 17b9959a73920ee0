package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Each attempt is there, with what became of it, be it too late.
func TestShowTellsHistory(t *testing.T) {
	d := &api.Detail{
		Job: api.Job{ID: "42", State: octaskly.Queued, Reason: "worker-lost", Command: []api.Text{"x"}, Tasks: 1, SubmittedAt: *ago(48 * time.Hour), Worker: "w4"},
		Attempts: []api.Attempt{
			{Number: 1, State: octaskly.Failed, Reason: "worker-lost", Worker: "w1", StartedAt: ago(26 * time.Hour), EndedAt: ago(25 * time.Hour), Stdout: 7,
				Late: &api.Late{State: octaskly.Completed, EndedAt: *ago(24 * time.Hour)}},
			{Number: 2, State: octaskly.Failed, Reason: "released", Detail: "its worker was drained by ann: new disk", Worker: "w2", StartedAt: ago(time.Hour), EndedAt: ago(50 * time.Minute)},
			{Number: 3, State: octaskly.Failed, Reason: "lease", Worker: "w3", StartedAt: ago(40 * time.Minute), EndedAt: ago(30 * time.Minute),
				Late: &api.Late{State: octaskly.Failed, Reason: "exit:3", EndedAt: *ago(20 * time.Minute)}},
			{Number: 4, State: octaskly.Running, Worker: "w4", StartedAt: ago(10 * time.Minute), LostAt: ago(time.Minute)},
		},
	}
	var out bytes.Buffer
	if err := writeDetail(&out, d, noon); err != nil {
		t.Fatal(err)
	}
	_, attempts, _ := strings.Cut(out.String(), "\n\n")
	const want = `#  STATE    RESULT       WORKER  STARTED           TIME  CPU  MEMORY  STDOUT  STDERR
1  failed   worker-lost  w1      2026-11-22 10:00  1h    0s   -       7B      0B
2  failed   released     w2      11:00:00          10m   0s   -       0B      0B
3  failed   lease        w3      11:20:00          10m   0s   -       0B      0B
4  running  -            w4      11:50:00          9m    0s   -       0B      0B
attempt 1: its worker said later: completed at 2026-11-22 12:00; that changed nothing; octasklyctl logs --attempt 1 42 has its output
attempt 2: given back: its worker was drained by ann: new disk
attempt 3: stopped because its worker could not reach the dispatcher, as --at-most-one wants; its worker said later: failed (exit:3) at 11:40:00; that changed nothing; octasklyctl logs --attempt 3 42 has its output
attempt 4: given up at 11:59:00; its worker may yet be back with it
`
	if diff := cmp.Diff(want, attempts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if strings.Contains(out.String(), "\nworker:") || strings.Contains(out.String(), "\ntook:") {
		t.Errorf("it is with no worker, and takes no time:\n%s", out.String())
	}
	if line := "\nresult:      worker-lost: lost with its worker\n"; !strings.Contains(out.String(), line) {
		t.Errorf("there is no %q in\n%s", line, out.String())
	}
}

// Where the clock was set back, what has happened lies ahead; that is not taken for
// something to come.
func TestShowAfterClockWasSetBack(t *testing.T) {
	d := &api.Detail{
		Job: api.Job{ID: "42", State: octaskly.Failed, Reason: "exit:3", Command: []api.Text{"x"}, Tasks: 1,
			SubmittedAt: *ago(-24 * time.Hour), StartedAt: ago(-24 * time.Hour), EndedAt: ago(time.Minute)},
		Attempts: []api.Attempt{{Number: 1, State: octaskly.Failed, Reason: "exit:3", Worker: "w1",
			StartedAt: ago(-24 * time.Hour), EndedAt: ago(-24*time.Hour - 36*time.Second)}},
	}
	var out bytes.Buffer
	if err := writeDetail(&out, d, noon); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "(in ") || strings.Count(out.String(), " ago)") != 1 || !strings.Contains(out.String(), "\ntook:        36s\n") {
		t.Errorf("it says\n%s", out.String())
	}
}

func TestShowTellsWhatTookWorkersDown(t *testing.T) {
	d := &api.Detail{Job: api.Job{ID: "42", State: octaskly.Failed, Reason: "worker-lost×5", Tasks: 1}, Submission: api.Submission{AtMostOne: true}}
	var out bytes.Buffer
	if err := writeDetail(&out, d, noon); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"\nresult:      worker-lost×5: its worker went away 5 times while it ran\n",
		"\nat most one: it stops when its worker is out of touch for half a lease\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("there is no %q in\n%s", line, out.String())
		}
	}
}
