package dispatcher

import (
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// blocked is what keeps tasks of j from each worker: the scheduler's own word for
// what it may place there, and what the registry knows.
func (c *core) blocked(j *job) []api.WhyWorkers {
	all := make([]apart, 0, len(c.workers))
	for _, w := range c.workers {
		all = append(all, apart{w.Name, c.blockers(w, j)})
	}
	return grouped(all)
}

func (c *core) blockers(w *worker, j *job) []api.WhyBlocker {
	list := w.absence()
	for _, b := range c.queue.Blockers(&w.sched, j.sched) {
		switch {
		case w.session == nil && !b.Lasting():
			// what it has free counts when it is back
		case b.Why == scheduler.Lacks && b.Of == octaskly.AtMostOne && !c.aloneAt.IsZero() && slices.Contains(w.Features, b.Of):
			list = append(list, api.WhyBlocker{Why: "alone"})
		default:
			list = append(list, w.blocker(b))
		}
	}
	return list
}

// absence is why a worker takes nothing at all.
func (w *worker) absence() (list []api.WhyBlocker) {
	seen := w.SeenAt
	switch {
	case w.session == nil:
		list = append(list, api.WhyBlocker{Why: w.state(), Since: &seen})
	case w.session.leaving:
		list = append(list, api.WhyBlocker{Why: "stopping"})
	}
	if d := w.Drain; d != nil {
		list = append(list, api.WhyBlocker{Why: "drained", Since: moment(d.At), Detail: strings.TrimSuffix("by "+d.By+": "+d.Reason, ": ")})
	}
	return list
}

func (w *worker) blocker(b scheduler.Blocker) api.WhyBlocker {
	told := api.WhyBlocker{
		Why: string(b.Why), Of: b.Of,
		Asked: amount(b.Of, b.Asked), Has: amount(b.Of, b.Has), Free: amount(b.Of, b.Free),
	}
	switch b.Why {
	case scheduler.Reserved:
		told.Of = b.For.String()
	case scheduler.Lacks:
		told.Detail = failedCheck(w.Checks, b.Of)
	}
	return told
}

// amount is that of a resource as users know it.
func amount(resource string, n int64) float64 {
	if resource == octaskly.CPU {
		return float64(n) / 1000
	}
	return float64(n)
}

// failedCheck is why a self-test keeps a feature from being offered; "" where it
// does not say.
func failedCheck(checks []octaskly.Check, feature string) string {
	for _, c := range checks {
		if c.Subject == feature && !c.Held {
			return c.Name + ": " + c.Why
		}
	}
	return ""
}
