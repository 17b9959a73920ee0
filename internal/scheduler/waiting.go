package scheduler

import (
	"cmp"
	"slices"
)

// NoWorker is why tasks wait while nobody takes any.
const NoWorker Why = "no-worker"

// Waiting is how many tasks wait for one thing.
type Waiting struct {
	Why   Why
	Of    string // a feature or a resource
	Tasks int64
}

// maxLooks bounds how many pairs of a shape and a worker Waiting compares.
const maxLooks = 1 << 16

// Waiting says for what the tasks in line wait that are owner's, or anybody's
// where it is empty: the most frequent first. What it had no time to look at is
// not in it.
func (q *Queue) Waiting(workers []*Worker, owner string) []Waiting {
	sums, shapes, looks := map[Waiting]int64{}, map[string]Waiting{}, maxLooks
	for _, l := range q.lines {
		if owner != "" && l.kind.owner != owner {
			continue
		}
		if l.stalled > 0 {
			sums[Waiting{Why: AtOnce}] += l.stalled
		}
		why, known := shapes[l.shape]
		switch {
		case len(l.jobs) == 0:
			continue
		case l.owner.full():
			why = Waiting{Why: Quota}
		case !known && looks < len(workers):
			continue
		case !known:
			looks -= len(workers)
			why = l.waitsFor(workers)
			shapes[l.shape] = why
		}
		for _, j := range l.jobs {
			sums[why] += j.ready()
		}
	}
	return sorted(sums)
}

func sorted(sums map[Waiting]int64) (list []Waiting) {
	for why, n := range sums {
		why.Tasks = n
		list = append(list, why)
	}
	slices.SortFunc(list, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(b.Tasks, a.Tasks), cmp.Compare(a.Why, b.Why), cmp.Compare(a.Of, b.Of))
	})
	return list
}

// waitsFor is what keeps most workers from a task of l: of those that could run
// it, where there are any.
func (l *line) waitsFor(workers []*Worker) (most Waiting) {
	passing, lasting := map[Waiting]int64{}, map[Waiting]int64{}
	for _, w := range workers {
		counts, blockers := passing, w.now(l)
		if !w.able(l) {
			counts, blockers = lasting, w.never(l)
		}
		for b := range blockers {
			counts[Waiting{Why: b.Why, Of: b.Of}]++
		}
	}
	switch {
	case len(passing) > 0:
		most = sorted(passing)[0]
	case len(lasting) > 0 && !slices.ContainsFunc(workers, func(w *Worker) bool { return w.able(l) }):
		most = sorted(lasting)[0]
	case len(workers) == 0:
		most = Waiting{Why: NoWorker}
	default:
		most = Waiting{Why: Reserved}
	}
	most.Tasks = 0
	return most
}
