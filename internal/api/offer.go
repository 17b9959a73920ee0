package api

import (
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Offer sets all that follows from a worker's features.
func (w *Worker) Offer(features []string) {
	w.Features, w.Contains = features, Containment(features)
	w.Levels, w.Limits = []string{}, []string{}
	for _, l := range octaskly.Levels {
		if slices.Contains(features, l.Feature()) {
			w.Levels = append(w.Levels, l.String())
		}
	}
	for _, limit := range octaskly.LimitFeatures {
		if slices.Contains(features, limit) {
			w.Limits = append(w.Limits, strings.TrimPrefix(limit, "limit:"))
		}
	}
	w.HostNetwork = slices.Contains(features, octaskly.NetworkHost)
}

// Containment is how a worker of these features keeps the processes of a command
// together: by a cgroup, or by best effort.
func Containment(features []string) string {
	if slices.Contains(features, octaskly.KillCgroup) {
		return "cgroup"
	}
	return "best-effort"
}

// ChecksOf is a self-test's report in the words of this API.
func ChecksOf(report []octaskly.Check) []Check {
	checks := make([]Check, len(report))
	for i, c := range report {
		checks[i] = Check(c)
	}
	return checks
}
