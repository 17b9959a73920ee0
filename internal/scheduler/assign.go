package scheduler

import (
	"container/heap"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Worker is a worker as the scheduler sees it.
type Worker struct {
	ID       octaskly.WorkerID
	Slots    int
	Ahead    int // tasks it may have beyond its slots
	Room     octaskly.Room
	Features []string

	Held int           // tasks it has
	Used octaskly.Room // by these
}

// Take accounts for a task that asks for ask; Leave undoes it.
func (w *Worker) Take(ask octaskly.Room)  { w.account(ask, 1) }
func (w *Worker) Leave(ask octaskly.Room) { w.account(ask, -1) }

func (w *Worker) account(ask octaskly.Room, sign int64) {
	w.Held += int(sign)
	if len(ask) > 0 && w.Used == nil {
		w.Used = octaskly.Room{}
	}
	for name, n := range ask {
		w.Used[name] += sign * n
	}
}

// freer reports whether w uses a smaller part of its slots than o.
func (w *Worker) freer(o *Worker) bool { return w.Held*o.Slots < o.Held*w.Slots }

// Pick gives N tasks of a job to a worker.
type Pick struct {
	Job    *Job
	Worker *Worker
	N      int64
}

// Assign places at most limit waiting tasks and accounts for them.
func (q *Queue) Assign(workers []*Worker, limit int) []Pick {
	r := round{queue: q, workers: workers, limit: limit}
	for _, l := range q.lines {
		if len(l.jobs) > 0 {
			r.lines = append(r.lines, l)
		}
	}
	q.held = false
	r.place(r.now)
	q.idle = r.limit > 0 && slices.ContainsFunc(workers, func(w *Worker) bool { return w.Held < w.Slots && !r.kept(w) })
	r.place(r.ahead)
	q.reserved = r.reserved
	return r.picks
}

// round is one call of Assign.
type round struct {
	queue    *Queue
	workers  []*Worker
	lines    []*line // that may still place a task
	reserved []reservation
	picks    []Pick
	limit    int
}

// place goes through the lines by the age of their first job, and leaves a line
// aside when choose finds no worker for it, or when its owner may have no more.
// What one line of a shape does not find, no other one will.
func (r *round) place(choose func(*line) *Worker) {
	lines := lineHeap(slices.DeleteFunc(slices.Clone(r.lines), func(l *line) bool { return len(l.jobs) == 0 }))
	heap.Init(&lines)
	var hopeless map[string]bool
	for r.limit > 0 && len(lines) > 0 {
		l := lines[0]
		if l.owner.full() {
			r.queue.held = true
			heap.Pop(&lines)
			continue
		}
		var w *Worker
		if !hopeless[l.shape] {
			w = choose(l)
		}
		if w == nil {
			if hopeless == nil {
				hopeless = map[string]bool{}
			}
			hopeless[l.shape] = true
			heap.Pop(&lines)
			continue
		}
		if r.give(l.jobs[0], w); len(l.jobs) == 0 {
			heap.Pop(&lines)
		} else {
			heap.Fix(&lines, 0)
		}
	}
}

// lineHeap is a heap by the age of the first job, for container/heap.
type lineHeap []*line

func (h lineHeap) Len() int           { return len(h) }
func (h lineHeap) Less(a, b int) bool { return h[a].jobs[0].ID < h[b].jobs[0].ID }
func (h lineHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *lineHeap) Push(x any)        { *h = append(*h, x.(*line)) }

func (h *lineHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (r *round) give(j *Job, w *Worker) {
	j.Waiting--
	j.Active++
	j.owner.active++
	r.queue.place(j)
	w.Take(j.line.ask)
	r.limit--
	for i := len(r.picks) - 1; i >= 0 && r.picks[i].Job == j; i-- {
		if r.picks[i].Worker == w {
			r.picks[i].N++
			return
		}
	}
	r.picks = append(r.picks, Pick{j, w, 1})
}

// now chooses the freest worker on which a task of l can start at once. Where
// there is none, l reserves the freest of those it could wait for.
func (r *round) now(l *line) *Worker {
	if w := r.freest(func(w *Worker) bool { return w.free(l) && w.able(l) }); w != nil {
		return w
	}
	if len(l.ask) > 0 {
		if w := r.freest(func(w *Worker) bool { return w.able(l) }); w != nil {
			r.reserved = append(r.reserved, reservation{w, l.jobs[0].ID})
		}
	}
	return nil
}

// ahead chooses the freest worker that may get a task before its turn.
func (r *round) ahead(l *line) *Worker {
	return r.freest(func(w *Worker) bool { return w.Held < w.Slots+w.Ahead && w.able(l) })
}

func (r *round) freest(fits func(*Worker) bool) (best *Worker) {
	for _, w := range r.workers {
		if (best == nil || w.freer(best)) && !r.kept(w) && fits(w) {
			best = w
		}
	}
	return best
}

// kept reports whether w is reserved.
func (r *round) kept(w *Worker) bool {
	_, reserved := reservedIn(r.reserved, w)
	return reserved
}

// Recall is a number of tasks to take back from a worker that has not started
// them.
type Recall struct {
	Worker *Worker
	N      int
}

// Level says what to take back from workers that hold tasks beyond their slots
// while slots of others are free. Call it when Assign has placed all it can.
func Level(workers []*Worker) (recalls []Recall) {
	idle := 0
	for _, w := range workers {
		idle += max(0, w.Slots-w.Held)
	}
	for _, w := range workers {
		if n := min(idle, w.Held-w.Slots); n > 0 {
			recalls = append(recalls, Recall{w, n})
			idle -= n
		}
	}
	return recalls
}

// CouldStart reports whether one of the workers could start a task of j now.
func CouldStart(j *Job, workers []*Worker) bool {
	return slices.ContainsFunc(workers, func(w *Worker) bool { return w.free(j.line) && w.able(j.line) })
}

// CouldEver reports whether one of the workers could run tasks of j when it has
// nothing else to do.
func CouldEver(j *Job, workers []*Worker) bool {
	return slices.ContainsFunc(workers, func(w *Worker) bool { return w.able(j.line) })
}
