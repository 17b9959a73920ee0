package api

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Why is GET /api/v1/tasks/{id}/why: why a job or element is where it is, and
// what would change that.
type Why struct {
	ID      string         `json:"id"`
	State   octaskly.State `json:"state"`
	Text    string         `json:"text"`              // all of the below in one paragraph, for people
	Holds   []WhyHold      `json:"holds,omitempty"`   // of what waits: whatever workers there are
	Ahead   *WhyAhead      `json:"ahead,omitempty"`   // of what waits: its place in the queue
	Workers []WhyWorkers   `json:"workers,omitempty"` // of what waits: what keeps it from each
	With    *WhyWith       `json:"with,omitempty"`    // the worker that has it
	End     *WhyEnd        `json:"end,omitempty"`
	Try     []string       `json:"try,omitempty"` // commands that change it, or tell more
}

// WhyHold is a thing that keeps tasks in the queue, whatever workers there are:
// at-once, quota, later (jobs before it are read from disk), backoff, alone (it
// must not run twice at the same time, and may yet run) or missed (its worker may
// be back with it; this alone does not keep it from others).
type WhyHold struct {
	Why    string     `json:"why"`
	Most   int64      `json:"most,omitempty"` // tasks with workers
	Has    int64      `json:"has,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Worker string     `json:"worker,omitempty"`
}

// WhyAhead is what the queue has before a task: what may be placed now, whichever
// workers it waits for.
type WhyAhead struct {
	Jobs  int64 `json:"jobs"`
	Tasks int64 `json:"tasks"`           // of these jobs, and of its own those of lower index
	Least bool  `json:"least,omitempty"` // there may be more, which have yet to be read from disk
}

// WhyWorkers are workers that the same things keep from having a task; no things:
// it could start there.
type WhyWorkers struct {
	Count    int          `json:"count"`
	Names    []string     `json:"names"` // of the first of them
	Blockers []WhyBlocker `json:"blockers"`
}

// WhyBlocker is one of these things: lacks, no-slots or small (it offers less in
// all than is asked for), which last; slots, used (too little is free) or reserved
// (for a larger task that came before), which pass; drained, stopping, away (out
// of touch), left, lost, and alone. Numbers are those of the worker that has
// most: cpus or bytes.
type WhyBlocker struct {
	Why    string     `json:"why"`
	Of     string     `json:"of,omitempty"` // a feature, a resource, or the id of the job for which it is reserved
	Asked  float64    `json:"asked,omitempty"`
	Has    float64    `json:"has,omitempty"` // in all
	Free   float64    `json:"free,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Detail string     `json:"detail,omitempty"` // of a self-test or a drain, for people
}

// WhyWith is the worker that a task was assigned to.
type WhyWith struct {
	Worker  string     `json:"worker"`
	State   string     `json:"worker_state"`
	SeenAt  time.Time  `json:"seen_at"`
	GivenUp *time.Time `json:"given_up_at,omitempty"` // it is out of touch: the task runs elsewhere from then on
	Attempt int        `json:"attempt"`
	Since   time.Time  `json:"since"`             // it was assigned, or runs
	EndsBy  *time.Time `json:"ends_by,omitempty"` // its wall time ends then
	Usage   *Usage     `json:"usage,omitempty"`
	Slots   int        `json:"slots"`
	Busy    int        `json:"busy"`
}

// WhyEnd is how a task has ended.
type WhyEnd struct {
	Reason   octaskly.Reason `json:"reason,omitempty"`
	Words    string          `json:"words,omitempty"` // for Reason
	Limit    float64         `json:"limit,omitempty"`
	Peak     float64         `json:"peak,omitempty"`
	Flag     string          `json:"flag,omitempty"` // that raises the limit
	Exit     *int            `json:"exit_code,omitempty"`
	Worker   string          `json:"worker,omitempty"`
	Attempts int             `json:"attempts,omitempty"`
	Lost     int             `json:"lost,omitempty"` // of these, with their worker
	Failed   []Element       `json:"failed_elements,omitempty"`
}

func (h *Handler) why(r *request) (*Why, error) {
	id := r.task()
	if r.bad != nil {
		return nil, r.bad
	}
	return h.dispatcher.Why(r.Context(), r.who, id)
}
