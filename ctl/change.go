package main

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// change is a command that does something to tasks.
type change struct {
	done   string // "cancelled", before the number of tasks
	cannot string // "is already over", behind an id that it did not apply to
	live   string // instead, of one that is not over: it is as good as done
	apply  func(context.Context, client.Selector) (*api.Outcome, error)
}

// maxAsked bounds the ids whose state is looked up to explain an outcome.
const maxAsked = 10

// change applies a change to each selector in turn and prints what came of it.
// It fails if there is nothing that it applied to.
func (s *session) change(ctx context.Context, selectors []client.Selector, c change) error {
	var total api.Outcome
	for _, selector := range selectors {
		outcome, err := c.apply(ctx, selector)
		if err != nil {
			return s.changed(ctx, total, c, err)
		}
		total.Done += outcome.Done
		total.Already = append(total.Already, outcome.Already...)
	}
	return s.changed(ctx, total, c, nil)
}

// changed prints an outcome, also the part that came before an error.
func (s *session) changed(ctx context.Context, o api.Outcome, c change, err error) error {
	nothing := o.Done == 0 && (err != nil || len(o.Already) > 0)
	switch {
	case s.output == outputJSON && err == nil:
		if failed := s.printJSON(o); failed != nil {
			return failed
		}
	case s.output == outputTable && !nothing:
		if failed := s.print("%s %s\n", c.done, plural(o.Done, "task")); failed != nil {
			return failed
		}
	}
	inVain := false
	for i, id := range o.Already {
		why, underWay := s.already(ctx, id, i, c)
		s.note("%s %s", id, why)
		inVain = inVain || !underWay
	}
	if err == nil && nothing && inVain {
		return exits(exitError)
	}
	return err
}

// already says why a change did not apply to a task, and whether that is because
// it is under way.
func (s *session) already(ctx context.Context, text string, asked int, c change) (why string, underWay bool) {
	id, err := octaskly.ParseTaskID(text)
	if err != nil || asked >= maxAsked {
		return c.cannot, false
	}
	detail, err := s.client.Show(ctx, id)
	switch {
	case err != nil:
		return c.cannot, false
	case c.live != "" && !detail.State.Terminal():
		return c.live, true
	}
	return fmt.Sprintf("%s (%v)", c.cannot, detail.State), false
}

// selectorsOf makes selectors of words that have been checked.
func selectorsOf(words []string, everyone bool) []client.Selector {
	all := make([]client.Selector, len(words))
	for i, word := range words {
		all[i] = client.Selector{Text: word, Everyone: everyone && word == "all"}
	}
	return all
}

// plural is "1 task" or "2 tasks".
func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
