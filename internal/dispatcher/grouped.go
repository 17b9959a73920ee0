package dispatcher

import (
	"cmp"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// apart is one worker and what keeps a task from it.
type apart struct {
	name     string
	blockers []api.WhyBlocker
}

const (
	maxGroups     = 16
	maxGroupNames = 5
)

// grouped puts workers together that the same things keep from a task: those first
// that could have it soonest, then the many. Of more than maxGroups, the rest is one
// group by what its first has.
func grouped(all []apart) []api.WhyWorkers {
	slices.SortFunc(all, func(a, b apart) int { return cmp.Compare(a.name, b.name) })
	at := map[string]int{}
	groups := []api.WhyWorkers{}
	for _, w := range all {
		key := keyOf(w.blockers)
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, api.WhyWorkers{Blockers: append([]api.WhyBlocker{}, w.blockers...)})
		}
		join(&groups[i], w)
	}
	slices.SortStableFunc(groups, func(a, b api.WhyWorkers) int {
		return cmp.Or(distance(a.Blockers)-distance(b.Blockers), b.Count-a.Count)
	})
	if len(groups) > maxGroups {
		rest := api.WhyWorkers{Blockers: []api.WhyBlocker{{Why: "other"}}}
		for _, g := range groups[maxGroups-1:] {
			rest.Count += g.Count
			rest.Names = append(rest.Names, g.Names...)
		}
		rest.Names = rest.Names[:min(len(rest.Names), maxGroupNames)]
		groups = append(groups[:maxGroups-1], rest)
	}
	return groups
}

func keyOf(blockers []api.WhyBlocker) string {
	var key strings.Builder
	for _, b := range blockers {
		key.WriteString(b.Why + " " + b.Of + "\n")
	}
	return key.String()
}

// join takes a worker into its group, whose numbers are of the one that has most.
func join(g *api.WhyWorkers, w apart) {
	g.Count++
	if len(g.Names) < maxGroupNames {
		g.Names = append(g.Names, w.name)
	}
	for i := range g.Blockers {
		most, b := &g.Blockers[i], &w.blockers[i]
		more := cmp.Or(cmp.Compare(b.Free, most.Free), cmp.Compare(b.Has, most.Has))
		if b.Why == string(scheduler.TooSmall) {
			more = cmp.Compare(b.Has, most.Has)
		}
		if more > 0 {
			most.Free, most.Has = b.Free, b.Has
		}
		if b.Since != nil && most.Since.Before(*b.Since) {
			most.Since = b.Since
		}
		most.Detail = cmp.Or(most.Detail, b.Detail)
	}
}

// distance orders groups by how soon a task could start there.
func distance(blockers []api.WhyBlocker) (far int) {
	for _, b := range blockers {
		switch {
		case passes(b.Why):
			far++
		case b.Why == "drained" || b.Why == "alone":
			far += 10
		case b.Why == "away" || b.Why == "stopping":
			far += 100
		default:
			far += 1000
		}
	}
	return far
}

// passes reports whether a worker alone, as it runs, does away with a blocker.
func passes(why string) bool {
	switch scheduler.Why(why) {
	case scheduler.Slots, scheduler.Used, scheduler.Reserved:
		return true
	}
	return false
}

// lasting reports whether a group is of no use to a task however idle it is.
func lasting(g *api.WhyWorkers) bool { return distance(g.Blockers) >= 1000 }
