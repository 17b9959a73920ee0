package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

var endedStates = []string{
	octaskly.Completed.String(), octaskly.Failed.String(), octaskly.TimedOut.String(), octaskly.Cancelled.String(),
}

// span of time for people, in whole seconds: what is drawn changes no more often.
func timeText(d time.Duration) string {
	return units.Duration(max(0, d).Truncate(time.Second)).Human()
}

func ago(t, now time.Time) string { return timeText(now.Sub(t)) + " ago" }

// when is a time with how long ago that was; "" for none.
func when(t *time.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	text := t.Local().Format(time.DateTime)
	if t.After(now) {
		return text + " (in " + timeText(t.Sub(now)) + ")"
	}
	return text + " (" + ago(*t, now) + ")"
}

func sizeText(n int64) string {
	if n <= 0 {
		return ""
	}
	return units.Size(n).Human()
}

// shortSize is for columns: "1.4G".
func shortSize(n int64) string {
	text := strings.TrimSuffix(sizeText(n), "iB")
	return strings.TrimSuffix(strings.ReplaceAll(text, " ", ""), "B")
}

func rateText(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}

func count[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// commandText is a command on one line, as a shell takes it.
func commandText(argv []api.Text) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = quoted(string(word))
	}
	return strings.Join(words, " ")
}

const plainBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

func quoted(word string) string {
	switch {
	case word == "":
		return "''"
	case strings.Trim(word, plainBytes) == "":
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
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

// tookText is how long something ran, or has run up to now.
func tookText(start, end *time.Time, now time.Time) string {
	switch {
	case start == nil || start.IsZero():
		return ""
	case end != nil && !end.IsZero():
		return units.Duration(max(0, end.Sub(*start))).Human()
	}
	return timeText(now.Sub(*start))
}

// workerState is "draining" while a drained worker has tasks, then "drained".
func workerState(w *api.Worker) string {
	if w.Drain == nil {
		return w.State
	}
	state := "drained"
	if busy(w) > 0 {
		state = "draining"
	}
	if w.State != connected {
		state += ", " + w.State
	}
	return state
}

const connected = "connected"

func busy(w *api.Worker) int { return w.Running + w.Assigned }

// strictest is the last of levels that this version knows, "" if it knows none.
func strictest(levels []string) string {
	for _, level := range slices.Backward(octaskly.Levels) {
		if slices.Contains(levels, level.String()) {
			return level.String()
		}
	}
	return ""
}

// ended is how many tasks of a job are over.
func endedOf(job *api.Job) (n int64) {
	for _, state := range endedStates {
		n += job.Counts[state]
	}
	return n
}

// countsText is "3 failed, 340 completed", in the order of a task's life.
func countsText(counts map[string]int64) string {
	var parts []string
	for _, state := range octaskly.States {
		if n := counts[state.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %v", n, state))
		}
	}
	return strings.Join(parts, ", ")
}
