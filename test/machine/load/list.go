package main

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// list prints all jobs from first on, the latest first.
func list(ctx context.Context, c *client.Client, first octaskly.JobID) error {
	query := client.Query{All: true, Limit: api.MaxLimit}
	for {
		jobs, err := c.Jobs(ctx, query)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, job := range jobs {
			id, err := octaskly.ParseTaskID(job.ID)
			if err == nil && id.Job < first {
				return nil
			}
			if err == nil {
				err = tasks(ctx, c, id, func(t string) { fmt.Println(t) })
			}
			if err != nil {
				return err
			}
			query.Before = id.Job
		}
	}
}

// tasks yields ID STATE ATTEMPT for a job, and for each of its elements that has
// left the queue; the attempt of an array job is 0.
func tasks(ctx context.Context, c *client.Client, id octaskly.TaskID, yield func(string)) error {
	job, err := c.Show(ctx, id)
	if err != nil {
		return err
	}
	attempt := 0
	for _, a := range job.Attempts {
		attempt = max(attempt, a.Number)
	}
	yield(fmt.Sprintf("%s %s %d", job.ID, job.State, attempt))
	if job.Array == "" {
		return nil
	}
	elements, err := c.Elements(ctx, id.Job, client.ElementQuery{Limit: api.MaxLimit})
	for _, e := range elements {
		yield(fmt.Sprintf("%s %s %d", e.ID, e.State, e.Attempt))
	}
	return err
}
