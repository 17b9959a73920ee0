package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// writeJobs lists jobs for people; width is that of the terminal, 0 for none.
func writeJobs(w io.Writer, jobs []api.Job, width int, now time.Time) error {
	t := newTable("ID", "STATE", "NAME", "COMMAND", "RESULT", "WORKER", "AGE", "TIME")
	t.give, t.width = 3, width
	for i := range jobs {
		job := &jobs[i]
		t.add(job.ID, stateText(job), job.Name, commandText(job.Command), cmp.Or(resultText(job.State, job.Reason, job.Exit), paceText(job)),
			workerText(job), sinceText(job.SubmittedAt, now), timeText(startOf(job), job.EndedAt, now))
	}
	t.narrow("AGE", "NAME", "WORKER", "RESULT")
	return t.write(w)
}

// stateText is a job's state; an array's says how far it is, as in
// "running 340/1000".
func stateText(job *api.Job) string {
	if job.Array == "" && job.Tasks == 1 {
		return job.State.String()
	}
	return fmt.Sprintf("%s %d/%d", job.State, tallyOf(job).ended, job.Tasks)
}

// resultText is why a task ended, or its exit code; "" while it has not.
func resultText(state octaskly.State, reason octaskly.Reason, exit *int) string {
	switch {
	case reason != "":
		return string(reason)
	case state.Terminal() && exit != nil:
		return strconv.Itoa(*exit)
	}
	return ""
}

// startOf is when a job began that has not gone back to the queue; nil if it has.
func startOf(job *api.Job) *time.Time {
	if job.State == octaskly.Queued {
		return nil
	}
	return job.StartedAt
}

// workerText is the worker that has a job, or had it at its end.
func workerText(job *api.Job) string {
	if job.State == octaskly.Queued {
		return ""
	}
	return job.Worker
}

func sinceText(t, now time.Time) string { return units.Duration(max(0, now.Sub(t))).Human() }

// timeText is how long something took, or has taken up to now.
func timeText(start, end *time.Time, now time.Time) string {
	if start == nil || start.IsZero() {
		return ""
	}
	if end != nil && !end.IsZero() {
		now = *end
	}
	return sinceText(*start, now)
}
