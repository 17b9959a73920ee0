package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// inside is what only the core knows of a task.
type inside struct {
	waits string          // what it waits for
	usage *octaskly.Usage // of the attempt that runs
}

// explain says what queued tasks wait for, and what a running one uses.
func (d *Dispatcher) explain(ctx context.Context, detail *api.Detail, spec *octaskly.Spec, id octaskly.TaskID) error {
	if detail.State != octaskly.Queued && detail.State != octaskly.Running {
		return nil
	}
	known, err := consult(ctx, d, func(c *core) (inside, error) { return c.inside(id, detail.Owner, spec), nil })
	if err != nil {
		return err
	}
	if detail.State == octaskly.Queued {
		detail.Waits = known.waits
	} else if n := len(detail.Attempts); n > 0 && known.usage != nil && detail.Attempts[n-1].State == octaskly.Running {
		last := &detail.Attempts[n-1]
		last.Usage = usage(known.usage)
		last.CPUTime = last.Usage.CPUTime
	}
	return nil
}

func (c *core) inside(id octaskly.TaskID, owner string, spec *octaskly.Spec) (known inside) {
	j, leave := c.inLine(id, owner, spec)
	defer leave()
	known.waits = c.waits(j)
	if t := j.live[id.Index]; t != nil && (id.Array || !j.Array) {
		known.usage = t.usage
		if t.Missed() {
			known.waits += fmt.Sprintf("; worker %s, which had it, may yet be back with it", c.known(t.Worker).Name)
		}
	}
	return known
}

// waits is why the queued tasks of a job are not with a worker.
func (c *core) waits(j *job) string {
	could, drained := c.drained(j)
	most, full := j.sched.Full()
	switch {
	case len(could) > 0 && !scheduler.CouldEver(j.sched, c.present):
		return fmt.Sprintf("no worker could run it but drained ones: %s; octasklyctl worker resume NAME lets them", strings.Join(could, ", "))
	case len(c.present) == 0 && drained:
		return "no worker is connected but drained ones"
	case len(c.present) == 0:
		return "no worker is connected"
	case !scheduler.CouldEver(j.sched, c.present):
		return c.lacking(j)
	case j.sched.Waiting == 0 && j.sched.Active == 0:
		return "its time has not come"
	case full:
		return fmt.Sprintf("as many tasks of user %s are with workers as may at once: %d, the quota \"running\"", j.Owner, most)
	case j.AtOnce > 0 && j.sched.Active >= int64(j.AtOnce):
		return "as many of its tasks run as may at once"
	}
	return "workers are busy"
}

// drained names the connected workers that could run tasks of j if they were not
// drained, and reports whether there are any that are.
func (c *core) drained(j *job) (could []string, any bool) {
	for _, w := range c.workers {
		if w.session == nil || w.Drain == nil {
			continue
		}
		any = true
		if scheduler.CouldEver(j.sched, []*scheduler.Worker{&w.sched}) {
			could = append(could, w.Name)
		}
	}
	slices.Sort(could)
	return could, any
}

// lacking is what no connected worker has of what a job asks for.
func (c *core) lacking(j *job) string {
	needs := j.sched.Needs()
	lacks := func(w *scheduler.Worker, need string) bool { return !slices.Contains(w.Features, need) }
	var missing []string
	for _, need := range needs {
		if !slices.ContainsFunc(c.present, func(w *scheduler.Worker) bool { return !lacks(w, need) }) {
			missing = append(missing, need)
		}
	}
	if !c.aloneAt.IsZero() && slices.Contains(missing, octaskly.AtMostOne) {
		return "no worker may run it alone before those of the earlier database have ended what they run, in " +
			time.Until(c.aloneAt).Round(time.Second).String()
	}
	if len(missing) > 0 {
		return "no connected worker offers " + inWords(missing) + hint(missing)
	}
	lacksSome := func(w *scheduler.Worker) bool {
		return slices.ContainsFunc(needs, func(need string) bool { return lacks(w, need) })
	}
	if slices.IndexFunc(c.present, func(w *scheduler.Worker) bool { return !lacksSome(w) }) < 0 {
		return fmt.Sprintf("no connected worker offers all of %s together%s", inWords(needs), hint(needs))
	}
	return "no connected worker has what it asks for"
}

// inWords lists features as their flags are written: "level strict", "limit disk".
func inWords(features []string) string {
	return strings.ReplaceAll(strings.Join(features, ", "), ":", " ")
}

// hint says where to look, or what an operator has to allow.
func hint(missing []string) string {
	for feature, key := range map[string]string{octaskly.NetworkHost: "allow_host_network", octaskly.LevelNone.Feature(): "allow_none"} {
		if len(missing) == 1 && missing[0] == feature {
			return "; " + key + " in the worker's executor.toml grants it"
		}
	}
	return "; octasklyctl worker show NAME says why"
}
