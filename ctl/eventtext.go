package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Columns of an event's line. One that needs more pushes those after it.
const (
	eventTask   = 12
	eventWhat   = 18
	eventWorker = 12
)

// eventLine is an event for people.
func eventLine(e *api.Event) string {
	cells := []string{
		e.At.Local().Format(time.DateTime),
		pad(cmp.Or(e.Task, e.Job, "-"), eventTask),
		pad(e.Kind, eventWhat),
		pad(cmp.Or(e.Worker, "-"), eventWorker),
		defuse(eventWords(e)),
	}
	return strings.TrimRight(strings.Join(cells, strings.Repeat(" ", gap)), " ")
}

func pad(text string, width int) string {
	text = defuse(text)
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// eventWords say the rest.
func eventWords(e *api.Event) string {
	switch {
	case e.Why != "":
		return withDetail(cmp.Or(whyWords[e.Why], e.Why), withReason(e))
	case e.Kind == octaskly.TaskEnded.String() || e.Kind == octaskly.TaskLate.String():
		return withDetail(endText(e.State, e.Reason), e.Detail)
	case e.Kind == octaskly.JobSubmitted.String():
		return withDetail("by "+e.Owner+elementsText(e), e.Detail)
	case e.Elements != "":
		return withDetail(strings.TrimPrefix(elementsText(e), ", "), e.Detail)
	case e.Attempt > 1 && e.Detail == "":
		return fmt.Sprintf("attempt %d", e.Attempt)
	}
	return e.Detail
}

func endText(state octaskly.State, reason octaskly.Reason) string {
	if reason == "" || state == octaskly.Cancelled && reason == octaskly.ReasonCancelled {
		return state.String()
	}
	return state.String() + " " + string(reason)
}

// withReason is for what goes back to the queue.
func withReason(e *api.Event) string {
	switch {
	case e.Elements != "":
		return elementsText(e)[2:]
	case e.Why == octaskly.WhyRetry.String():
		return strings.TrimSuffix(string(e.Reason)+": "+e.Detail, ": ")
	}
	return e.Detail
}

func elementsText(e *api.Event) string {
	if e.Elements == "" {
		return ""
	}
	return ", elements " + e.Elements
}

// whyWords are for people.
var whyWords = map[string]string{
	octaskly.WhyLost.String():     "again, its worker is lost",
	octaskly.WhyReleased.String(): "again, given back",
	octaskly.WhyRecalled.String(): "again, another worker may begin it sooner",
	octaskly.WhyRetry.String():    "again, it failed and has retries left",
	octaskly.WhyAgain.String():    "again, as somebody wants",
	octaskly.WhyBack.String():     "its worker is back with it",
}
