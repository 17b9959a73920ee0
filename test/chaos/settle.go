package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// settleTime is how long it may take until all that was accepted is over, when
// everybody is well again: workers dial anew at intervals of up to 15 s.
const settleTime = 2 * time.Minute

// settle waits until every accepted job was seen over. The error names some of
// those that were not.
func settle(ctx context.Context, b *book) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		open := b.open()
		if len(open) == 0 {
			return nil
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return fmt.Errorf("%d jobs are not over after %v, of them %v", len(open), settleTime, open[0].ID)
		}
	}
}

// inventory asks the store for all that is known of every task.
func inventory(ctx context.Context, c *client.Client, b *book, marks map[string][]mark) (all []*history, err error) {
	for _, e := range b.jobs {
		if e.ID == 0 {
			continue
		}
		for _, id := range e.tasks() {
			h := e.history(id)
			h.Marks = marks[h.Task]
			detail, err := c.Show(ctx, id)
			switch {
			case errors.Is(err, octaskly.ErrNotFound):
				h.Missing = true
			case err != nil:
				return nil, fmt.Errorf("cannot look at task %v: %w", id, err)
			default:
				h.Last, h.Stored = endOf(detail), detail.Attempts
			}
			all = append(all, h)
		}
	}
	return all, nil
}

// history is what clients know of a task.
func (e *entry) history(id octaskly.TaskID) *history {
	return &history{
		Task: id.String(), Tag: e.Tag, Want: e.Want, First: e.First[id.String()], Cancelled: e.Cancelled, Perhaps: e.Perhaps,
		Retried: e.Retried, Unsure: e.Unsure, Told: e.Told,
	}
}

// list names every job of the store by its id.
func list(ctx context.Context, c *client.Client) (names map[octaskly.JobID]string, err error) {
	names = map[octaskly.JobID]string{}
	for before := octaskly.JobID(0); ; {
		page, err := c.Jobs(ctx, client.Query{All: true, Limit: api.MaxLimit, Before: before})
		if err != nil {
			return nil, fmt.Errorf("cannot list jobs: %w", err)
		}
		if len(page) == 0 {
			return names, nil
		}
		for _, job := range page {
			id, err := octaskly.ParseTaskID(job.ID)
			if err != nil {
				return nil, err
			}
			before, names[id.Job] = id.Job, job.Name
		}
	}
}

// accepted compares the jobs of the store with those that were submitted: none is
// there twice or was never asked for, and no id has become another's.
func accepted(jobs []*entry, names map[octaskly.JobID]string, marks map[string][]mark) (wrong []violation) {
	const rule = "a job is accepted once"
	asked, ids := map[string]*entry{}, map[string]octaskly.JobID{}
	for _, e := range jobs {
		asked[e.Tag] = e
	}
	for id, tag := range names {
		e := asked[tag]
		switch {
		case e == nil:
			wrong = append(wrong, violation{rule, id.String(), fmt.Sprintf("nobody has submitted %q", tag)})
		case ids[tag] != 0:
			wrong = append(wrong, violation{rule, id.String(), fmt.Sprintf("%q is job %v, too", tag, ids[tag])})
		case e.ID != 0 && e.ID != id:
			wrong = append(wrong, violation{rule, id.String(), fmt.Sprintf("%q was accepted as job %v", tag, e.ID)})
		}
		ids[tag] = id
	}
	for task, all := range marks {
		id, _, _ := strings.Cut(task, ".")
		for _, m := range all {
			if known := ids[m.Tag]; known.String() != id {
				wrong = append(wrong, violation{rule, task, fmt.Sprintf("it ran as %q, which is job %v", m.Tag, known)})
				break
			}
		}
	}
	slices.SortFunc(wrong, func(a, b violation) int { return strings.Compare(a.Task, b.Task) })
	return wrong
}
