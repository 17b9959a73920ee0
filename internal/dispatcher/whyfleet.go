package dispatcher

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// fleet says, group by group, what keeps a task from workers, and when it starts.
func (w words) fleet() (say []string) {
	if len(w.Workers) == 0 {
		return []string{"There is no worker; systemctl enable --now octasklyd-worker makes a machine one."}
	}
	var parts []string
	soon, said := false, map[string]bool{}
	for i := range w.Workers {
		g := &w.Workers[i]
		soon = soon || !lasting(g)
		parts = append(parts, namesOf(g)+" "+w.keeping(g, said))
	}
	say = append(say, strings.ToUpper(parts[0][:1])+strings.Join(parts, "; ")[1:]+".")
	switch first := distance(w.Workers[0].Blockers); {
	case !soon:
		say = append(say, "It waits until a worker joins that can run it.")
	case first > 0 && first < 10:
		say = append(say, "It starts as soon as there is room on "+namesOf(&w.Workers[0])+".")
	}
	return say
}

// namesOf is "worker a", "workers a and b" or "998 workers (a, b, c, …)".
func namesOf(g *api.WhyWorkers) string {
	switch {
	case g.Count == 1:
		return "worker " + g.Names[0]
	case g.Count > len(g.Names):
		return fmt.Sprintf("%d workers (%s, …)", g.Count, strings.Join(g.Names, ", "))
	}
	return "workers " + inSeries(g.Names)
}

// keeping says what keeps a task from a group: only what lasts, where anything does.
// What a self-test has found is said once.
func (w words) keeping(g *api.WhyWorkers, said map[string]bool) string {
	if len(g.Blockers) == 0 {
		return plain(g, "has", "have") + " room for it"
	}
	var parts, lacks []string
	for i := range g.Blockers {
		switch b := &g.Blockers[i]; {
		case lasting(g) && passes(b.Why):
		case b.Why == string(scheduler.Lacks):
			lacks = append(lacks, lackWords(b, said[b.Of]))
			said[b.Of] = true
		default:
			parts = append(parts, w.blocker(g, b))
		}
	}
	if len(lacks) > 0 {
		parts = append(parts, plain(g, "does", "do")+" not offer "+inSeries(lacks))
	}
	return inSeries(parts)
}

// lackWords name a feature, and what the self-test says of it unless that was said.
func lackWords(b *api.WhyBlocker, said bool) string {
	text := inWords([]string{b.Of})
	if b.Detail == "" || said {
		return text
	}
	return text + " (self-test " + cutShort(b.Detail) + ")"
}

// briefly bounds what is said of a self-test; octasklyctl worker show tells all of it.
const briefly = 120

func cutShort(text string) string {
	if len(text) <= briefly {
		return text
	}
	cut := strings.LastIndexByte(text[:briefly], ' ')
	return strings.ToValidUTF8(text[:max(cut, briefly/2)], "") + " …"
}

// inSeries is "a, b and c".
func inSeries(parts []string) string {
	last := len(parts) - 1
	if last < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// plain chooses a verb's form by how many there are.
func plain(g *api.WhyWorkers, one, several string) string {
	if g.Count == 1 {
		return one
	}
	return several
}

// atMost stands before what the best of several has.
func atMost(g *api.WhyWorkers) string { return plain(g, "", "at most ") }

func (w words) blocker(g *api.WhyWorkers, b *api.WhyBlocker) string {
	switch b.Why {
	case "no-slots":
		return plain(g, "has", "have") + " no slots at all"
	case "small":
		return fmt.Sprintf("%s %s%s in all, and it asks for %s", plain(g, "offers", "offer"), atMost(g), quantity(b.Of, b.Has), quantity(b.Of, b.Asked))
	case "slots":
		if g.Count == 1 {
			return fmt.Sprintf("has no free slot (%g of %g are taken)", b.Has, b.Has)
		}
		return "have no free slot"
	case "used":
		return fmt.Sprintf("%s %s%s free of %s, and it asks for %s", plain(g, "has", "have"), atMost(g), quantity(b.Of, b.Free), quantity(b.Of, b.Has), quantity(b.Of, b.Asked))
	case "reserved":
		return plain(g, "is", "are") + " kept free for task " + b.Of + ", which came before and asks for more"
	case "drained":
		return strings.TrimSuffix(plain(g, "is", "are")+" drained "+b.Detail, " ")
	case "stopping":
		return plain(g, "is", "are") + " stopping"
	case "away":
		return plain(g, "has", "have") + " been out of touch for " + duration(w.now.Sub(*b.Since))
	case "left":
		return plain(g, "was", "were") + " stopped " + duration(w.now.Sub(*b.Since)) + " ago"
	case "lost":
		return plain(g, "has", "have") + " not been heard of for " + duration(w.now.Sub(*b.Since))
	case "alone":
		return "may not run it before the workers of an earlier database have ended theirs"
	}
	return plain(g, "has", "have") + " other reasons"
}

// quantity is an amount of a resource in words.
func quantity(resource string, n float64) string {
	switch resource {
	case octaskly.CPU:
		return fmt.Sprintf("%g cpus", n)
	case octaskly.Memory:
		return size(n) + " memory"
	}
	return fmt.Sprintf("%g %s", n, resource)
}
