package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// usedText is what a worker's tasks use, "1.5 cpus, 512MiB"; "" where none has said.
func usedText(w *api.Worker) string { return roomText(w.CPUsUsed, w.MemoryUsed) }

// reservedText is what they have asked for.
func reservedText(w *api.Worker) string { return roomText(w.CPUsReserved, w.MemoryReserved) }

func roomText(cpus float64, memory int64) string {
	var parts []string
	if cpus > 0 {
		parts = append(parts, fmt.Sprintf("%.2g cpus", cpus))
	}
	if memory > 0 {
		parts = append(parts, shortSize(memory))
	}
	return strings.Join(parts, ", ")
}

// tripText is a round trip; "" where it is not known.
func tripText(w *api.Worker) string {
	if w.RoundTrip <= 0 {
		return ""
	}
	return shortTime(time.Duration(w.RoundTrip))
}

// connectedText is how long a worker has been there.
func connectedText(w *api.Worker, now time.Time) string {
	if w.Since == nil {
		return ""
	}
	return sinceText(*w.Since, now)
}
