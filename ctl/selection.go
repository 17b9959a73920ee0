package main

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// target is a job or an element that a selector names.
type target struct {
	id    octaskly.TaskID
	job   *api.Job // as the dispatcher has listed it; nil where nobody asked
	known bool     // the dispatcher has it, be it away just now
}

// maxElements bounds the elements that are looked at one by one.
const maxElements = api.MaxLimit

// selectors checks the ids of a command, each of which may be a selector.
func selectors(words []string) error {
	if len(words) == 0 {
		return withHint(usagef("an id is missing"), "ids are such as 42, 42.7, 1-10, last and all; octasklyctl ls shows them")
	}
	for _, word := range words {
		if _, err := api.ParseSelection(word); err != nil {
			return usagef("%v", err)
		}
	}
	return nil
}

// targets are what selectors name, each once. Of ranges, only jobs that exist.
func (s *session) targets(ctx context.Context, words []string) ([]target, error) {
	if err := selectors(words); err != nil {
		return nil, err
	}
	var all []target
	seen := map[octaskly.TaskID]bool{}
	for _, word := range words {
		found, err := s.find(ctx, word)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			if !seen[t.id] {
				seen[t.id] = true
				all = append(all, t)
			}
		}
	}
	return all, nil
}

func (s *session) find(ctx context.Context, word string) ([]target, error) {
	what, err := api.ParseSelection(word)
	switch {
	case err != nil:
		return nil, err
	case what.Elements != nil:
		return elements(octaskly.JobID(what.Jobs[0].Lo), what.Elements)
	case what.Jobs.Count() == 1:
		return []target{{id: octaskly.TaskID{Job: octaskly.JobID(what.Jobs[0].Lo)}}}, nil
	}
	jobs, err := s.jobs(ctx, client.Query{Select: word, All: true}, 0)
	if err != nil {
		return nil, err
	}
	found := make([]target, len(jobs))
	for i := range jobs {
		at := len(jobs) - 1 - i // the oldest first
		if found[at].id, err = octaskly.ParseTaskID(jobs[i].ID); err != nil {
			return nil, err
		}
		found[at].job = &jobs[i]
	}
	return found, nil
}

func elements(job octaskly.JobID, indices octaskly.Ranges) (found []target, err error) {
	if n := indices.Count(); n > maxElements {
		return nil, usagef("cannot look at %d elements one by one, %d are allowed; name the job, %v", n, maxElements, job)
	}
	indices.Each(func(i octaskly.Index) bool {
		found = append(found, target{id: octaskly.TaskID{Job: job, Index: i, Array: true}})
		return true
	})
	return found, nil
}

// jobs lists up to limit jobs, 0 for all, page by page.
func (s *session) jobs(ctx context.Context, q client.Query, limit int) ([]api.Job, error) {
	var all []api.Job
	for {
		q.Limit = api.MaxLimit
		if limit > 0 {
			q.Limit = min(q.Limit, limit-len(all))
		}
		page, err := s.client.Jobs(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit || len(all) == limit {
			return all, nil
		}
		last, err := octaskly.ParseTaskID(page[len(page)-1].ID)
		if err != nil {
			return nil, fmt.Errorf("cannot use the dispatcher's list: %w", err)
		}
		q.Before = last.Job
	}
}
