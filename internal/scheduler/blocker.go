package scheduler

import (
	"cmp"
	"iter"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Why is a kind of Blocker or Hold. The words are those of the API.
type Why string

const (
	Lacks    Why = "lacks"    // a feature; for good
	TooSmall Why = "small"    // it has less of a resource in all than is asked for; for good
	NoSlots  Why = "no-slots" // it runs nothing at all; for good
	Slots    Why = "slots"    // all of its slots are taken
	Used     Why = "used"     // too little of a resource is free
	Reserved Why = "reserved" // it is kept free for a larger task that came before
)

// Blocker is one thing that keeps a task from a worker.
type Blocker struct {
	Why   Why
	Of    string // the feature or the resource
	Asked int64  // these three: of the resource, or slots
	Has   int64  // in all
	Free  int64
	For   octaskly.JobID // Reserved
}

// Lasting reports whether it stays however idle the worker is.
func (b Blocker) Lasting() bool { return b.Why == Lacks || b.Why == TooSmall || b.Why == NoSlots }

// never yields what keeps w from ever running a task of l.
func (w *Worker) never(l *line) iter.Seq[Blocker] {
	return func(yield func(Blocker) bool) {
		for _, need := range l.needs {
			if !slices.Contains(w.Features, need) && !yield(Blocker{Why: Lacks, Of: need}) {
				return
			}
		}
		if w.Slots <= 0 && !yield(Blocker{Why: NoSlots, Asked: 1}) {
			return
		}
		for name, n := range l.ask {
			if has := w.Room[name]; has < n && !yield(Blocker{Why: TooSmall, Of: name, Asked: n, Has: has, Free: max(0, has-w.Used[name])}) {
				return
			}
		}
	}
}

// now yields what keeps w from starting a task of l at this time.
func (w *Worker) now(l *line) iter.Seq[Blocker] {
	return func(yield func(Blocker) bool) {
		if w.Held >= w.Slots && !yield(Blocker{Why: Slots, Asked: 1, Has: int64(w.Slots)}) {
			return
		}
		for name, n := range l.ask {
			has := w.Room[name]
			if free := has - w.Used[name]; free < n && !yield(Blocker{Why: Used, Of: name, Asked: n, Has: has, Free: max(0, free)}) {
				return
			}
		}
	}
}

// able reports whether w could ever run a task of l.
func (w *Worker) able(l *line) bool {
	for range w.never(l) {
		return false
	}
	return true
}

// free reports whether w has a slot and room for a task of l now.
func (w *Worker) free(l *line) bool {
	for range w.now(l) {
		return false
	}
	return true
}

// Blockers is all that keeps tasks of j from starting on w, what lasts first;
// nothing: one can start there.
func (q *Queue) Blockers(w *Worker, j *Job) []Blocker {
	list := slices.Collect(w.never(j.line))
	short := func(name string) bool {
		return slices.ContainsFunc(list, func(b Blocker) bool { return b.Why == TooSmall && b.Of == name })
	}
	for b := range w.now(j.line) {
		if b.Why == Slots && w.Slots <= 0 || b.Why == Used && short(b.Of) {
			continue // that it has none at all has been said
		}
		list = append(list, b)
	}
	if id, ok := q.reservedFor(w); ok && id < j.ID {
		list = append(list, Blocker{Why: Reserved, For: id})
	}
	slices.SortFunc(list, func(a, b Blocker) int {
		return cmp.Or(a.Why.rank()-b.Why.rank(), cmp.Compare(a.Of, b.Of))
	})
	return list
}

var ranks = []Why{Lacks, NoSlots, TooSmall, Slots, Used, Reserved}

func (y Why) rank() int { return slices.Index(ranks, y) }

// reservation is a worker that takes no younger tasks, so that one of a job may
// start there some day.
type reservation struct {
	worker *Worker
	job    octaskly.JobID
}

// reservedFor is the job for which the latest Assign kept w free.
func (q *Queue) reservedFor(w *Worker) (octaskly.JobID, bool) {
	return reservedIn(q.reserved, w)
}

// Unreserved are those of the workers that the latest Assign kept free for nobody.
func (q *Queue) Unreserved(workers []*Worker) []*Worker {
	if len(q.reserved) == 0 {
		return workers
	}
	return slices.DeleteFunc(slices.Clone(workers), func(w *Worker) bool {
		_, reserved := q.reservedFor(w)
		return reserved
	})
}

func reservedIn(list []reservation, w *Worker) (octaskly.JobID, bool) {
	for _, r := range list {
		if r.worker == w {
			return r.job, true
		}
	}
	return 0, false
}
