package main

import (
	"context"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Run looks after a job that waits after firstLook, and then ever less often.
const (
	firstLook = time.Second
	rareLook  = time.Minute
)

// mayWait reports whether a job may have tasks that wait.
func mayWait(job *api.Job) bool {
	return job.Array != "" || job.State == octaskly.Queued
}

// tellWaiting says what a job waits for that will not come by itself, and again
// when that has changed.
func (r *running) tellWaiting(ctx context.Context, over <-chan struct{}) {
	told := ""
	for pause := firstLook; r.output == outputTable; {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-r.soft.Done():
			return
		case <-time.After(pause):
		}
		if !r.waits.Load() {
			pause, told = firstLook, ""
			continue
		}
		pause = min(2*pause, rareLook)
		detail, err := r.client.Show(ctx, r.task())
		if err != nil {
			continue
		}
		if waits := detail.Waits; waits != told && strings.HasPrefix(waits, "no ") {
			r.note("task %v waits: %s", r.id, waits)
		}
		told = detail.Waits
	}
}

// tellAgain says that a plain job runs once more for no fault of its own: what
// its output begins with is that of an attempt that was given up.
func (r *running) tellAgain(ctx context.Context, job *api.Job) {
	if job.Array != "" || job.State == octaskly.Queued || job.StartedAt == nil || r.output != outputTable {
		return
	}
	before := r.startedAt
	r.startedAt = *job.StartedAt
	if before.IsZero() || before.Equal(r.startedAt) {
		return
	}
	detail, err := r.client.Show(ctx, r.task())
	if err != nil || len(detail.Attempts) < 2 {
		return
	}
	given := &detail.Attempts[len(detail.Attempts)-2]
	if lossWords(given.Reason) != "" && given.Number > r.given {
		r.given = given.Number
		r.note("task %v runs again, on %s: attempt %d on %s was %s", r.id, job.Worker, given.Number, given.Worker, lossWords(given.Reason))
	}
}
