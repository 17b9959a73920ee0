package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// logRow is an event, or a line.
type logRow struct {
	number  int64
	at      time.Time
	level   int
	event   *api.Event // nil: a line
	kind    string
	text    string
	lowered string // all of it
}

func (v *logsView) row(r logRow) *logRow {
	v.last++
	r.number = v.last
	parts := []string{r.kind, r.text}
	if e := r.event; e != nil {
		parts = append(parts, cmp.Or(e.Task, e.Job), e.Worker, e.Owner)
	}
	r.lowered = strings.ToLower(strings.Join(parts, "\x00"))
	return &r
}

func (v *logsView) keep(rows []*logRow) {
	v.list.set(slices.Clone(rows[max(0, len(rows)-maxEvents):]))
	v.follow()
}

// follow puts the cursor on the latest, where it was.
func (v *logsView) follow() {
	if v.tail {
		v.list.cursor = len(v.list.rows) - 1
		v.list.clamp()
	}
}

func (v *logsView) keeps(r *logRow) bool {
	if r.level < v.least {
		return false
	}
	return v.filter.matches(func() string { return r.lowered }, func(key, value string) bool {
		switch key {
		case "level":
			return r.level >= slices.IndexFunc(levels, func(name string) bool { return strings.HasPrefix(name, value) })
		case "kind":
			return strings.HasPrefix(r.kind, value)
		case "worker":
			return r.event != nil && strings.Contains(strings.ToLower(r.event.Worker), value)
		}
		return r.event != nil && (v.asked.task == value || isAbout(r.event, value))
	})
}

// isAbout reports whether an event is about a job, or an element.
func isAbout(e *api.Event, id string) bool {
	return e.Task == id || e.Job == id || strings.HasPrefix(e.Task, id+".")
}

// levels of what is logged, the least first.
var levels = []string{"debug", "info", "warning", "error"}

// levelOf says how much an event asks for attention.
func levelOf(e *api.Event) int {
	const info, warning, bad = 1, 2, 3
	switch e.Kind {
	case octaskly.TaskEnded.String():
		switch e.State {
		case octaskly.Failed, octaskly.TimedOut:
			return bad
		case octaskly.Cancelled:
			return warning
		}
	case octaskly.WorkerLost.String():
		return bad
	case octaskly.TaskLate.String(), octaskly.WorkerAway.String(), octaskly.WorkerStopping.String(), octaskly.WorkerDrained.String(),
		octaskly.TaskCancelling.String(), octaskly.JobCancelled.String(), api.GapMarker, api.ResetMarker:
		return warning
	case octaskly.TaskQueued.String():
		if e.Why == octaskly.WhyLost.String() || e.Why == octaskly.WhyRetry.String() {
			return warning
		}
	}
	return info
}
