package main

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// slowEnd is how long a cancelled job may take before it is looked for who holds
// it up.
const slowEnd = 3 * time.Second

// tellSlowEnd says of a job that is to be cancelled that its worker does not
// answer: its end may be a whole lease away.
func (r *running) tellSlowEnd(ctx context.Context, over <-chan struct{}) {
	select {
	case <-r.soft.Done():
	case <-over:
		return
	}
	pause, told := slowEnd, ""
	for r.output == outputTable {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		state, worker := r.holder(ctx)
		if state != told && state != "" && state != connected {
			pause = min(2*pause, rareLook)
			r.note("task %v ends when worker %s answers or its lease has ended: it is %s; interrupt once more to leave", r.id, worker, state)
		}
		told = state
	}
}

// holder is the worker that has a plain job, and the state of that.
func (r *running) holder(ctx context.Context) (state, name string) {
	detail, err := r.client.Show(ctx, r.task())
	if err != nil || detail.Array != "" || detail.State == octaskly.Queued || detail.Worker == "" {
		return "", ""
	}
	worker, err := r.client.Worker(ctx, detail.Worker)
	if err != nil {
		return "", ""
	}
	return worker.State, worker.Name
}
