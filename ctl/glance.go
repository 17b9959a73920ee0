package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// glanceWithin bounds how long a list waits for the line below it.
const glanceWithin = time.Second

// glance writes what goes on below a list, for people at a terminal alone: what
// reads a list from a pipe wants nothing but its rows.
func (s *session) glance(ctx context.Context, width int) error {
	if width == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, glanceWithin)
	defer cancel()
	stats, err := s.client.Stats(ctx)
	if err != nil {
		return nil // the list has been told
	}
	return s.print("%s\n", wrap(defuse(glanceText(stats)), width))
}

// glanceText is "2 running, 7 queued (5 wait for a free slot), 85 end a second; 3 of 3
// slots on 2 workers are busy".
func glanceText(stats *api.Stats) string {
	count := func(s octaskly.State) int64 { return stats.Tasks[s.String()] }
	parts := []string{fmt.Sprintf("%d running", count(octaskly.Running))}
	if n := count(octaskly.Assigned); n > 0 {
		parts = append(parts, fmt.Sprintf("%d assigned", n))
	}
	queued := fmt.Sprintf("%d queued", count(octaskly.Queued))
	if len(stats.Waiting) > 0 {
		first := &stats.Waiting[0]
		queued += fmt.Sprintf(" (%d for %s)", first.Tasks, waitingText(first))
	}
	parts = append(parts, queued)
	if n := count(octaskly.Failed) + count(octaskly.TimedOut); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", n))
	}
	text := strings.Join(parts, ", ")
	if f := stats.FleetStats; f != nil {
		if f.Rate > 0 {
			text += ", " + rateText(f.Rate) + "/s"
		}
		text += fmt.Sprintf("; %d of %d slots on %s busy", f.Busy, f.Slots, plural(int64(f.Workers), "worker"))
	}
	return text
}

// waitingText is what tasks wait for.
func waitingText(w *api.Waiting) string {
	switch w.Why {
	case "slots":
		return "a free slot"
	case "used":
		return "free " + resourceText(w.Of)
	case "reserved":
		return "a worker that is kept free for an older task"
	case "lacks":
		return strings.Replace(w.Of, ":", " ", 1) + ", which no worker offers"
	case "small":
		return "a worker with enough " + resourceText(w.Of)
	case "no-worker", "no-slots":
		return "a worker"
	case "at-once":
		return "others of their array, as %N wants"
	case "quota":
		return "others of their user, by the quota running"
	case "backoff":
		return "their next attempt, by --backoff"
	case "later":
		return "jobs before them"
	}
	return strings.TrimSpace(w.Why + " " + w.Of)
}

func resourceText(name string) string {
	if name == octaskly.CPU {
		return "cpus"
	}
	return name
}

// paceText is how fast an array goes on, "34%, 85/s, 8s left"; "" where nobody knows.
func paceText(job *api.Job) string {
	if job.Rate <= 0 || job.State.Terminal() {
		return ""
	}
	text := fmt.Sprintf("%d%%, %s/s", tallyOf(job).percent(), rateText(job.Rate))
	if job.Left != nil && time.Duration(*job.Left) < longest*time.Second {
		text += ", " + shortTime(time.Duration(*job.Left)) + " left"
	}
	return text
}
