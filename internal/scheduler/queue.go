package scheduler

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Job is a job as the scheduler sees it: how many of its tasks wait, and what
// each of them asks for.
type Job struct {
	ID      octaskly.JobID
	AtOnce  int // at most so many tasks with workers; 0: no such limit
	Waiting int64
	Active  int64 // with workers
	Later   bool  // jobs that go before it are not known yet: nothing of it is placed
	owner   *owner
	line    *line
	at      int   // in line.jobs; -1: not there
	stalled int64 // of Waiting, by AtOnce; counted in line
}

// ready is how many tasks may be placed now.
func (j *Job) ready() int64 {
	switch {
	case j.Later:
		return 0
	case j.AtOnce == 0:
		return j.Waiting
	}
	return min(j.Waiting, int64(j.AtOnce)-j.Active)
}

// line is the jobs of one owner and one shape, in the order of their acceptance.
// All of them fit, or do not fit, the same workers.
type line struct {
	kind
	owner *owner
	known int // jobs made for it and not forgotten
	ask   octaskly.Room
	needs []string
	jobs  jobHeap

	stalled int64 // tasks that wait and of which AtOnce lets none be placed now
}

// kind tells lines apart.
type kind struct{ owner, shape string }

// Queue holds the jobs that have tasks waiting.
type Queue struct {
	lines  map[kind]*line
	owners map[string]*owner
	most   func(owner string) int64 // see Limit; nil: there are no limits
	ready  int                      // jobs that stand in line
	idle   bool                     // see Idle
	held   bool                     // see Held

	reserved []reservation // by the latest Assign
}

// NewQueue returns an empty queue.
func NewQueue() *Queue { return &Queue{lines: map[kind]*line{}, owners: map[string]*owner{}} }

// NewJob returns a job of an owner whose tasks ask for room and need features.
func (q *Queue) NewJob(id octaskly.JobID, name string, atOnce int, room octaskly.Room, needs []string) *Job {
	k := kind{name, shapeOf(room, needs)}
	l := q.lines[k]
	if l == nil {
		l = &line{kind: k, owner: q.ownerOf(name), ask: room, needs: needs}
		l.owner.lines++
		q.lines[k] = l
	}
	l.known++
	return &Job{ID: id, AtOnce: atOnce, owner: l.owner, line: l, at: -1}
}

// Ready is the number of jobs of which tasks may be placed.
func (q *Queue) Ready() int { return q.ready }

// Idle reports whether a worker had a slot left, after the latest Assign, that no
// task here can use: one that is not known yet might.
func (q *Queue) Idle() bool { return q.idle }

// Admit lets a job take part that had to wait for others to be known.
func (q *Queue) Admit(j *Job) {
	j.Later = false
	q.place(j)
}

// Forget removes a job of which nothing waits and nothing is active.
func (q *Queue) Forget(j *Job) {
	if j.line.known--; j.line.known == 0 {
		delete(q.lines, j.line.kind)
		q.leave(j.owner)
	}
}

// Wait adds n waiting tasks to j, or takes them off when n is negative.
func (q *Queue) Wait(j *Job, n int64) {
	j.Waiting += n
	q.place(j)
}

// Release says that n of j's tasks are with workers no more.
func (q *Queue) Release(j *Job, n int64) {
	j.Active -= n
	j.owner.active -= n
	q.place(j)
}

// Restore says that n of j's tasks are with workers already.
func (q *Queue) Restore(j *Job, n int64) {
	j.Active += n
	j.owner.active += n
	q.place(j)
}

// place puts j into its line or takes it out.
func (q *Queue) place(j *Job) {
	switch in := j.at >= 0; {
	case j.ready() > 0 && !in:
		heap.Push(&j.line.jobs, j)
		q.ready++
	case j.ready() <= 0 && in:
		heap.Remove(&j.line.jobs, j.at)
		q.ready--
	}
	j.stall()
}

func shapeOf(room octaskly.Room, needs []string) string {
	if len(room) == 0 && len(needs) == 0 {
		return ""
	}
	parts := make([]string, 0, len(room)+1)
	for name, n := range room {
		parts = append(parts, fmt.Sprintf("%s=%d", name, n))
	}
	slices.Sort(parts)
	needs = slices.Sorted(slices.Values(needs))
	return strings.Join(parts, " ") + "\x00" + strings.Join(needs, "\x00")
}

// jobHeap is a heap by id, for container/heap.
type jobHeap []*Job

func (h jobHeap) Len() int           { return len(h) }
func (h jobHeap) Less(a, b int) bool { return h[a].ID < h[b].ID }

func (h jobHeap) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].at, h[b].at = a, b
}

func (h *jobHeap) Push(x any) {
	j := x.(*Job)
	j.at = len(*h)
	*h = append(*h, j)
}

func (h *jobHeap) Pop() any {
	last := len(*h) - 1
	j := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	j.at = -1
	return j
}

// Ask is the room that each of the job's tasks takes up.
func (j *Job) Ask() octaskly.Room { return j.line.ask }

// Needs are the features that a worker must have for the job's tasks.
func (j *Job) Needs() []string { return j.line.needs }
