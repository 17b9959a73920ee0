package tui

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func (v *tasksView) columns() []column[*api.Job] {
	m := v.m
	text := func(f func(*api.Job) string) func(*api.Job, int) (string, tcell.Style) {
		return func(j *api.Job, _ int) (string, tcell.Style) { return f(j), m.palette.plain }
	}
	return []column[*api.Job]{
		{title: "ID", right: true, cell: text(func(j *api.Job) string { return j.ID }),
			order: func(a, b *api.Job) int { return compareIDs(b.ID, a.ID) }},
		{title: "STATE", cell: func(j *api.Job, _ int) (string, tcell.Style) {
			return j.State.String(), m.palette.ofState(j.State)
		}, order: func(a, b *api.Job) int { return cmp.Compare(stateOrder(a), stateOrder(b)) }},
		{title: "PROGRESS", width: 18, most: 18, rank: 1, cell: func(j *api.Job, width int) (string, tcell.Style) {
			return m.progressText(j, width), m.palette.note
		}, order: func(a, b *api.Job) int { return cmp.Compare(part(b), part(a)) }},
		{title: "RATE", right: true, rank: 4, cell: text(func(j *api.Job) string {
			if j.Rate <= 0 {
				return ""
			}
			return rateText(j.Rate)
		}), order: func(a, b *api.Job) int { return cmp.Compare(b.Rate, a.Rate) }},
		{title: "ETA", right: true, rank: 3, cell: text(leftText),
			order: func(a, b *api.Job) int { return cmp.Compare(leftOf(a), leftOf(b)) }},
		{title: "NAME", most: 20, rank: 6, cell: text(func(j *api.Job) string { return j.Name }),
			order: func(a, b *api.Job) int { return cmp.Compare(a.Name, b.Name) }},
		{title: "COMMAND", flex: true, cell: text(func(j *api.Job) string { return commandText(j.Command) })},
		{title: "RESULT", most: 20, rank: 2, cell: func(j *api.Job, _ int) (string, tcell.Style) {
			return resultText(j.State, j.Reason, j.Exit), m.palette.ofState(j.State)
		}},
		{title: "WORKER", most: 16, rank: 6, cell: text(func(j *api.Job) string {
			if j.State == octaskly.Queued {
				return ""
			}
			return j.Worker
		}), order: func(a, b *api.Job) int { return cmp.Compare(a.Worker, b.Worker) }},
		{title: "OWNER", most: 12, rank: 8, cell: text(func(j *api.Job) string { return j.Owner }),
			order: func(a, b *api.Job) int { return cmp.Compare(a.Owner, b.Owner) }},
		{title: "AGE", right: true, rank: 7, cell: text(func(j *api.Job) string { return timeText(m.now.Sub(j.SubmittedAt)) }),
			order: func(a, b *api.Job) int { return b.SubmittedAt.Compare(a.SubmittedAt) }},
		{title: "TIME", right: true, rank: 5, cell: text(func(j *api.Job) string {
			if j.State == octaskly.Queued {
				return ""
			}
			return tookText(j.StartedAt, j.EndedAt, m.now)
		})},
	}
}

// progressText is a bar with figures; of a single task nothing.
func (m *model) progressText(j *api.Job, width int) string {
	if j.Array == "" && j.Tasks == 1 {
		return ""
	}
	done := endedOf(j)
	figures := fmt.Sprintf("%d/%d", done, j.Tasks)
	room := width - columns(figures) - 1
	if room < 4 {
		return figures
	}
	return m.glyphs.progress(done, j.Tasks, min(room, 20)) + " " + figures
}

func part(j *api.Job) float64 { return float64(endedOf(j)) / float64(max(1, j.Tasks)) }

// stateOrder puts first what is being worked on.
func stateOrder(j *api.Job) int {
	switch j.State {
	case octaskly.Running:
		return 0
	case octaskly.Assigned:
		return 1
	case octaskly.Queued:
		return 2
	}
	return int(j.State)
}

// compareIDs orders "9" before "10".
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// leftText is how long a job takes yet as it gets on now; "": nobody knows.
func leftText(j *api.Job) string {
	if j.Left == nil {
		return ""
	}
	return timeText(time.Duration(*j.Left))
}

// leftOf puts those last of which nobody knows.
func leftOf(j *api.Job) time.Duration {
	if j.Left == nil {
		return math.MaxInt64
	}
	return time.Duration(*j.Left)
}
