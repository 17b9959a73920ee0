package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// limit is one that ends tasks, or makes them fail.
type limit struct {
	what string // is limited
	most string // what the peak is called
	flag string // that raises it
	text func(float64) string
}

var limits = map[octaskly.Reason]limit{
	octaskly.ReasonOOM:       {"memory", "peak", "memory", sizeOf},
	octaskly.ReasonCPUTime:   {"cpu time", "used", "cpu-time", secondsOf},
	octaskly.ReasonDisk:      {"disk", "peak", "disk", sizeOf},
	octaskly.ReasonProcesses: {"processes", "peak", "processes", func(n float64) string { return countText(int64(n)) }},
	octaskly.ReasonTimeout:   {"wall time", "took", "timeout", secondsOf},
}

func sizeOf(bytes float64) string { return shortSize(int64(bytes)) }

func secondsOf(seconds float64) string {
	return shortTime(time.Duration(seconds * float64(time.Second)))
}

// struck says which limit an attempt has reached, as in "reached its limit of 2GiB
// memory (peak 2GiB); --memory raises it". It is "" where that is not known.
func struck(a *api.Attempt) string {
	l, known := limits[a.Reason]
	if !known || a.Limit <= 0 {
		return ""
	}
	text := "reached its limit of " + l.text(a.Limit) + " " + l.what
	if a.Peak > 0 {
		text += " (" + l.most + " " + l.text(a.Peak) + ")"
	}
	return text + "; " + dashed(l.flag) + " raises it"
}

// attemptWords say why an attempt ended; the worker's own words are said only
// where the data does not say it all.
func attemptWords(a *api.Attempt) string {
	switch a.Reason {
	case octaskly.ReasonLease:
		return lossWords(a.Reason)
	case octaskly.ReasonWorkerLost, octaskly.ReasonReleased:
		return withDetail(lossWords(a.Reason), a.Detail)
	}
	return cmp.Or(struck(a), a.Detail)
}

// lastAttempt is the one that a task's result is of, or an empty one.
func lastAttempt(d *api.Detail) *api.Attempt {
	if n := len(d.Attempts); n > 0 && d.Attempts[n-1].Reason == d.Reason {
		return &d.Attempts[n-1]
	}
	return &api.Attempt{Reason: d.Reason}
}

// refusal says what a worker lacks for a task, and where to look.
func refusal(d *api.Detail) string {
	text := cmp.Or(d.Detail, fmt.Sprintf("worker %q does not offer %s", d.Worker, lackedText(d.Reason)))
	if !strings.Contains(text, "worker show") {
		text += fmt.Sprintf("; octasklyctl worker show %s tells more", quote(d.Worker))
	}
	return "was refused: " + text
}

// lackedText names in words what an unenforceable task has asked for.
func lackedText(r octaskly.Reason) string {
	feature := r.Value()
	if _, err := octaskly.ParseLevel(feature); err == nil {
		return "level " + feature
	}
	if limit, ok := strings.CutPrefix(feature, "limit:"); ok {
		return "a limit of " + strings.ReplaceAll(limit, "-", " ")
	}
	return feature
}
