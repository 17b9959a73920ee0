package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const lookPause = 100 * time.Millisecond

// watch looks at what is not over until ctx is done, and writes down what it sees
// end, when it does so first.
func (c *customer) watch(ctx context.Context) {
	for ctx.Err() == nil {
		for some := range slices.Chunk(c.book.open(), 100) {
			c.look(ctx, some)
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
		}
	}
}

// look leaves out what there is no answer for; the next look sees it.
func (c *customer) look(ctx context.Context, open []*entry) {
	byID := map[string]*entry{}
	for _, e := range open {
		byID[e.ID.String()] = e
	}
	ids := slices.Collect(maps.Keys(byID))
	jobs, err := c.client.Jobs(ctx, client.Query{Select: strings.Join(ids, ","), All: true, Limit: api.MaxLimit})
	if err != nil {
		return
	}
	for _, job := range jobs {
		if e := byID[job.ID]; job.State.Terminal() || e.Tasks > 0 && ended(&job) > len(e.First) {
			c.see(ctx, e)
		}
	}
}

// ended counts the tasks of a job that are over.
func ended(job *api.Job) (n int) {
	for _, s := range octaskly.States {
		if s.Terminal() {
			n += int(job.Counts[s.String()])
		}
	}
	return n
}

// see writes down the ends of a job's tasks.
func (c *customer) see(ctx context.Context, e *entry) {
	over := true
	for _, id := range e.tasks() {
		if e.First[id.String()] != nil {
			continue
		}
		detail, err := c.client.Show(ctx, id)
		if err != nil {
			return
		}
		if !detail.State.Terminal() {
			over = false
			continue
		}
		end := endOf(detail)
		c.book.note(func() { e.First[id.String()] = &end })
	}
	c.book.note(func() { e.Over = over })
	if over && e.Retry && e.Want.State == octaskly.Failed {
		c.retry(ctx, e)
	}
}

func endOf(d *api.Detail) ending {
	end := ending{State: d.State, Reason: d.Reason, Seen: uptime()}
	if n := len(d.Attempts); n > 0 {
		end.Attempt = d.Attempts[n-1].Number
	}
	if d.EndedAt != nil {
		end.EndedAt = *d.EndedAt
	}
	return end
}
