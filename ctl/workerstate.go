package main

import (
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// connected is the state of a worker that is there.
const connected = "connected"

// workerState is a worker's state in a word or two: one that is there and drained
// is "draining" while it has tasks, then "drained".
func workerState(w *api.Worker) string {
	if w.Drain == nil {
		return w.State
	}
	state := "drained"
	if w.Running+w.Assigned > 0 {
		state = "draining"
	}
	if w.State != connected {
		state += ", " + w.State
	}
	return state
}

// drainText is "by ann 5m ago, until in 10m: new disk", or "".
func drainText(d *api.Drain, now time.Time) string {
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("by %s %s", d.By, pastText(d.At, now))
	if d.Deadline != nil {
		text += ", deadline " + agoText(*d.Deadline, now)
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return text
}

// drain shows who has drained a worker, why, and what comes of what still runs.
func (p *page) drain(w *api.Worker, now time.Time) {
	d := w.Drain
	if d == nil {
		return
	}
	p.line("drained by", d.By)
	p.past("drained at", &d.At, now)
	p.line("reason", d.Reason)
	p.time("deadline", d.Deadline, now)
	if n := int64(w.Running + w.Assigned); n > 0 {
		p.line("left", plural(n, "task")+" still there")
	}
}
