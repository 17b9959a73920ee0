package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

var errSlow = errors.New("it does not answer")

func (f *feed) jobs(w jobsWant) func(context.Context) {
	return func(ctx context.Context) {
		f.poll(ctx, aboutJobs, shownEvery, func(ctx context.Context) (any, error) {
			jobs, err := f.page(ctx, w)
			return gotJobs{w, jobs}, err
		})
	}
}

// page is a page of jobs, the latest first. In a long queue these have not begun:
// what is being worked on then comes before them.
func (f *feed) page(ctx context.Context, w jobsWant) ([]api.Job, error) {
	q := client.Query{Select: w.id, Owner: w.owner, All: w.all, Limit: w.limit}
	if w.state != "" {
		state, err := octaskly.ParseState(w.state)
		if err != nil {
			return nil, err
		}
		q.States = []octaskly.State{state}
	}
	jobs, err := f.source.Jobs(ctx, q)
	if err != nil || len(jobs) < w.limit || q.Select != "" || q.States != nil || q.All {
		return jobs, err
	}
	q.States = []octaskly.State{octaskly.Running, octaskly.Assigned}
	first, err := f.source.Jobs(ctx, q)
	if err != nil {
		return nil, err
	}
	begun := make(map[string]bool, len(first))
	for _, j := range first {
		begun[j.ID] = true
	}
	rest := slices.DeleteFunc(jobs, func(j api.Job) bool { return begun[j.ID] })
	return append(first, rest...), nil
}

func (f *feed) elements(w elementsWant) func(context.Context) {
	return func(ctx context.Context) {
		f.poll(ctx, aboutElements, shownEvery, func(ctx context.Context) (any, error) {
			id, err := octaskly.ParseTaskID(w.job)
			if err != nil {
				return nil, err
			}
			q := client.ElementQuery{From: w.from, Limit: w.limit}
			if w.state != 0 {
				q.States = []octaskly.State{w.state}
			}
			elements, err := f.source.Elements(ctx, id.Job, q)
			return gotElements{w, elements}, err
		})
	}
}

// do makes a change, and lets nobody wait for it for long: not even who quits.
func (f *feed) do(a act) {
	f.spawn(func() {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(f.ctx), actWithin, errSlow)
		defer cancel()
		text, err := f.change(ctx, a)
		f.send(f.ctx, done{a, text, err})
	})
}

const actWithin = 10 * time.Second

func (f *feed) change(ctx context.Context, a act) (text string, err error) {
	switch a.verb {
	case "drain":
		_, err = f.source.Drain(ctx, a.target, api.DrainRequest{})
		return a.name + " gets no new tasks", err
	case "resume":
		_, err = f.source.Resume(ctx, a.target)
		return a.name + " gets tasks again", err
	}
	var o *api.Outcome
	what, word := client.Selector{Text: a.target}, "cancelled "
	if a.verb == "cancel" {
		o, err = f.source.Cancel(ctx, what, "")
	} else {
		word = "queued again: "
		o, err = f.source.Retry(ctx, what)
	}
	if err != nil {
		return "", err
	}
	return word + count(o.Done, "task"), nil
}
