package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// meter is what a dispatcher counts for GET /metrics, since it started.
type meter struct {
	submitted metrics.Counter
	ended     [octaskly.Cancelled + 1][len(endClasses)]metrics.Counter
	lost      metrics.Counter
	waited    *metrics.Histogram
	ran       *metrics.Histogram
	commit    *metrics.Histogram
	rows      *metrics.Histogram
	sessions  metrics.Counter // that have begun
	over      metrics.Counter // of these
	control   flow
	bulk      flow
}

// flow is how many bytes have come from workers and gone to them.
type flow struct{ in, out metrics.Counter }

func newMeter() *meter {
	return &meter{
		waited: metrics.NewHistogram(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 60, 300, 1800, 7200, 86400),
		ran:    metrics.NewHistogram(.001, .005, .01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200, 86400),
		commit: metrics.NewHistogram(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10),
		rows:   metrics.NewHistogram(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000),
	}
}

// endClasses are what ends have for reasons, without what they say beyond that.
var endClasses = [...]string{
	"exit", "signal", "oom", "cpu-time", "disk", "processes", "spawn", "worker-lost", "unenforceable",
	"dependency", "timeout", "cancelled", "none", "other",
}

// classOf is the place of a reason among endClasses.
func classOf(r octaskly.Reason) int {
	kind := r.Kind()
	if n := len(octaskly.ReasonWorkerLost); len(kind) > n && kind[:n] == string(octaskly.ReasonWorkerLost) {
		kind = kind[:n] // worker-lost×3
	}
	if kind == "" {
		kind = "none"
	}
	for i, class := range endClasses {
		if class == kind {
			return i
		}
	}
	return len(endClasses) - 1
}

// ends counts, for one batch, tasks by how they have ended.
type ends [octaskly.Cancelled + 1][len(endClasses)]int64

func (e *ends) add(s octaskly.State, r octaskly.Reason, n int64) { e[s][classOf(r)] += n }

// committed counts what a batch has made true.
func (m *meter) committed(b *batch) {
	m.submitted.Add(int64(len(b.accepted)))
	for s := range b.ends {
		for class, n := range b.ends[s] {
			if n > 0 {
				m.ended[s][class].Add(n)
			}
		}
	}
}

// wrote counts a commit.
func (m *meter) wrote(c *store.Changes, took time.Duration) {
	m.commit.Last(took)
	m.rows.Observe(float64(len(c.Jobs) + len(c.Inputs) + len(c.Progress) + len(c.Tasks) + len(c.Attempts) +
		len(c.Late) + len(c.Workers) + len(c.Removed) + len(c.Actions)))
}

// started counts how long a task has waited that runs for the first time, as of ago.
func (m *meter) started(t *task, ago time.Duration) {
	if t.Attempt == 1 {
		m.waited.Last(now().Sub(t.job.SubmittedAt) - max(0, ago))
	}
}
