package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// figures sum a trial up.
type figures struct {
	jobs, unanswered, tasks, attempts, executions int
	ended                                         map[octaskly.State]int
	lost, released, lease, late, behind           int
	cancels, retries, alone                       int
}

func (t *trial) figures() (f figures) {
	f.ended = map[octaskly.State]int{}
	for _, e := range t.book.jobs {
		f.jobs++
		if e.ID == 0 {
			f.unanswered++
		}
		if !e.Cancelled.IsZero() {
			f.cancels++
		}
		f.retries += e.Retried
	}
	for _, h := range t.all {
		f.tasks++
		f.attempts += len(h.Stored)
		f.executions += len(h.executions())
		f.ended[h.Last.State]++
		f.behind += late(h)
		if h.Want.AtMostOne {
			f.alone += len(h.executions())
		}
		for _, a := range h.Stored {
			switch a.Reason {
			case octaskly.ReasonWorkerLost:
				f.lost++
			case octaskly.ReasonReleased:
				f.released++
			case octaskly.ReasonLease:
				f.lease++
			}
			if a.Late != nil {
				f.late++
			}
		}
	}
	return f
}

// report writes the figures, and each violation with what is known of its task.
func (t *trial) report(w io.Writer, took time.Duration) {
	f := t.figures()
	fmt.Fprintf(w, "seed %d: %d rounds in %.0f s\n", t.seed, t.rounds, took.Seconds())
	fmt.Fprintf(w, "disasters    %s\n", t.conduct.count())
	fmt.Fprintf(w, "submitted    %d jobs, %d of them to no answer and unknown to the store; %d requests repeated\n", f.jobs, f.unanswered, t.book.repeated)
	fmt.Fprintf(w, "tasks        %d: %d completed, %d failed, %d timed out, %d cancelled; %d jobs cancelled, %d retried by hand\n", f.tasks,
		f.ended[octaskly.Completed], f.ended[octaskly.Failed], f.ended[octaskly.TimedOut], f.ended[octaskly.Cancelled], f.cancels, f.retries)
	fmt.Fprintf(w, "attempts     %d, of which %d executed; %d lost, %d released, %d stopped by their lease, %d with a late end\n",
		f.attempts, f.executions, f.lost, f.released, f.lease, f.late)
	fmt.Fprintf(w, "at most one  %d executions\n", f.alone)
	fmt.Fprintf(w, "behind time  %d executions of attempts that had been given up, on workers that did not know\n", f.behind)
	fmt.Fprintf(w, "violations   %d\n", len(t.found))
	for i, v := range t.found {
		if i == maxShown {
			fmt.Fprintf(w, "\nand %d more\n", len(t.found)-i)
			break
		}
		fmt.Fprintf(w, "\n* %v\n%s", v, t.story(v.Task))
	}
}

const maxShown = 20

// count says how often each kind of disaster came.
func (c *conductor) count() string {
	kinds := map[string]int{}
	for _, h := range c.told {
		if rest, ok := strings.CutPrefix(h.what, "begin "); ok {
			kind, _, _ := strings.Cut(rest, " ")
			kinds[kind]++
		}
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		words = append(words, fmt.Sprintf("%d %s", kinds[kind], kind))
	}
	return strings.Join(words, ", ")
}

// margin is how long before and after a task's marks disasters are shown.
const margin = boottime(4 * time.Second)

// story is what is known of a task: its marks, its record, and what happened
// meanwhile.
func (t *trial) story(task string) string {
	i := slices.IndexFunc(t.all, func(h *history) bool { return h.Task == task })
	if i < 0 {
		return ""
	}
	h := t.all[i]
	var text strings.Builder
	record, _ := json.MarshalIndent(h.Stored, "  ", "  ")
	fmt.Fprintf(&text, "  it is %+v\n  first seen as %+v\n  its attempts are %s\n  its ledger:\n", h.Last, h.First, record)
	if len(h.Marks) == 0 {
		return text.String()
	}
	from, to := h.Marks[0].At, h.Marks[0].At
	for _, m := range h.Marks {
		from, to = min(from, m.At), max(to, m.At)
		if m.Word != "alive" {
			fmt.Fprintf(&text, "    %v\n", m)
		}
	}
	fmt.Fprintf(&text, "  meanwhile:\n")
	for line := range strings.Lines(t.conduct.around(from-margin, to+margin)) {
		fmt.Fprintf(&text, "    %s", line)
	}
	return text.String()
}
