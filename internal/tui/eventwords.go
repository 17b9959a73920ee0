package tui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// eventWords say of an event what its kind does not.
func eventWords(e *api.Event) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if e.Kind == octaskly.TaskEnded.String() || e.Kind == octaskly.TaskLate.String() {
		add(e.State.String())
	}
	if e.Elements != "" {
		add("elements " + e.Elements)
	}
	if e.Why != "" {
		add("again: " + e.Why)
	}
	if e.State != octaskly.Cancelled || e.Reason != octaskly.ReasonCancelled {
		add(string(e.Reason))
	}
	if e.Attempt > 1 {
		add(fmt.Sprintf("attempt %d", e.Attempt))
	}
	if e.Kind == octaskly.JobSubmitted.String() {
		add("by " + e.Owner)
	}
	add(e.Detail)
	return cmp.Or(strings.Join(parts, ", "), markerWords(e))
}

func markerWords(e *api.Event) string {
	switch e.Kind {
	case api.GapMarker:
		return fmt.Sprintf("what happened from %d to %d is no longer kept", e.From, e.To)
	case api.ResetMarker:
		return "the dispatcher has another database now"
	}
	return ""
}
