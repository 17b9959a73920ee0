package dispatcher

import (
	"cmp"
	"slices"

	"github.com/octaskly/octaskly/internal/api"
)

// maxWaits is how many things that are waited for are told.
const maxWaits = 8

// whatWaits is what the queued tasks of an owner wait for, or everybody's where it is
// empty: the most frequent first.
func (c *core) whatWaits(owner string) []api.Waiting {
	list := []api.Waiting{}
	known := int64(0)
	for _, w := range c.queue.Waiting(c.present, owner) {
		list = append(list, api.Waiting{Why: string(w.Why), Of: w.Of, Tasks: w.Tasks})
		known += w.Tasks
	}
	backoff := int64(0)
	for _, t := range c.delayed.tasks {
		if owner == "" || t.job.Owner == owner {
			backoff++
		}
	}
	if backoff > 0 {
		list = append(list, api.Waiting{Why: "backoff", Tasks: backoff})
	}
	if more := c.waiting - known - backoff; owner == "" && more > 0 && c.backlog.more() {
		list = append(list, api.Waiting{Why: "later", Tasks: more})
	}
	slices.SortStableFunc(list, func(a, b api.Waiting) int { return cmp.Compare(b.Tasks, a.Tasks) })
	return list[:min(len(list), maxWaits)]
}
