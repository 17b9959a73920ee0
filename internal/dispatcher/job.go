package dispatcher

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/scheduler"
	"github.com/octaskly/octaskly/internal/store"
)

// job is a job that is not over. Of its elements only those that have left the
// queue and not ended take up memory.
type job struct {
	octaskly.Job // Spec is nil while it is only on disk
	progress     octaskly.Progress
	sched        *scheduler.Job
	spec         *octaskly.Spec // decoded; nil like Job.Spec
	items        *items         // lines for its elements; opened with the spec
	live         map[octaskly.Index]*task
	again        []*task // queued once more and due, by index
	sentTo       []*worker
	dirty        bool // in the batch
	pace         pace
}

// task is a task that has left the queue and is not over.
type task struct {
	octaskly.Task
	job     *job
	due     bool      // in job.again
	dueAt   time.Time // queued and not due: when it will be
	sentAt  time.Time // to its worker; zero: by an earlier process
	dirty   bool      // in the batch
	pending *ending
	usage   *octaskly.Usage // of the attempt that runs, as its worker said last; nil: not known
	usedAt  time.Time       // when usage came
	cpus    float64         // that it has used between the last two of these
}

func (j *job) over() bool { return j.progress.Count().Over() }

// maxResting is how many bytes of a spec stay in memory with a job that rests.
const maxResting = 1 << 10

// rest drops what can be read again when a task of the job is placed.
func (j *job) rest() {
	if j.spec = nil; len(j.Spec) > maxResting {
		j.Spec = nil
	}
}

// open takes a job into memory and puts its unclaimed elements in line. spec is
// the job's, nil where it has yet to be decoded.
func (c *core) open(accepted octaskly.Job, spec *octaskly.Spec, p octaskly.Progress) (*job, error) {
	j := &job{Job: accepted, spec: spec, progress: p}
	if err := c.readSpec(j); err != nil {
		return nil, err
	}
	j.sched = c.queue.NewJob(j.ID, j.Owner, j.AtOnce, j.spec.Room, j.spec.Needs)
	c.jobs[j.ID] = j
	c.backlog.enter(j)
	c.queue.Wait(j.sched, p.Unclaimed.Count())
	return j, nil
}

func (c *core) queueUp(j *job, n int64) {
	c.await(j, n)
	c.queue.Wait(j.sched, n)
}

// close forgets a job that is over.
func (c *core) close(j *job) {
	for _, w := range j.sentTo {
		w.forget(c, j.ID)
	}
	if j.items != nil {
		j.items.close()
	}
	c.queue.Forget(j.sched)
	c.backlog.leave(j)
	delete(c.jobs, j.ID)
}

// adopt takes a task's row into memory as it was left.
func (c *core) adopt(j *job, row *octaskly.Task) *task {
	t := &task{Task: *row, job: j}
	j.keep(t)
	switch t.State {
	case octaskly.Queued:
		c.requeue(t)
		c.settle(row, t)
	case octaskly.Assigned, octaskly.Running:
		c.queue.Restore(j.sched, 1)
		c.give(t)
		c.workers[t.Worker].sched.Take(c.ask(j))
	}
	return t
}

func (j *job) keep(t *task) {
	if j.live == nil {
		j.live = map[octaskly.Index]*task{}
	}
	j.live[t.Index] = t
}

// requeue lets a queued task wait for its time, or for its place.
func (c *core) requeue(t *task) {
	if t.NotBefore.IsZero() {
		c.wait(t)
	} else {
		c.delayed.push(t, time.Now())
	}
}

// wait puts a queued task in line.
func (c *core) wait(t *task) {
	at, _ := slices.BinarySearchFunc(t.job.again, t, func(a, b *task) int { return cmp.Compare(a.Index, b.Index) })
	t.job.again = slices.Insert(t.job.again, at, t)
	t.due = true
	c.queue.Wait(t.job.sched, 1)
}

// unwait takes a queued task out of whatever line it stands in.
func (c *core) unwait(t *task) {
	c.await(t.job, -1)
	if !t.due {
		c.delayed.remove(t)
		return
	}
	t.due = false
	t.job.again = slices.DeleteFunc(t.job.again, func(o *task) bool { return o == t })
	c.queue.Wait(t.job.sched, -1)
}

// claim takes the next task of j that waits, whose place the scheduler has
// given away already.
func (c *core) claim(j *job) *task {
	c.await(j, -1)
	if len(j.again) > 0 {
		t := j.again[0]
		j.again = j.again[1:]
		t.due = false
		return t
	}
	taken, rest := j.progress.Unclaimed.Take(1)
	j.progress.Unclaimed = rest
	j.progress.Rows[octaskly.Queued]++
	t := &task{Task: octaskly.Task{Job: j.ID, Index: taken[0].Lo, State: octaskly.Queued}, job: j}
	j.keep(t)
	return t
}

// move lets change move t to another state and keeps all accounts of it. It
// changes nothing when change returns an error.
func (c *core) move(t *task, change func(*octaskly.Task) error) error {
	was := t.Task
	from := was.State
	if err := change(&t.Task); err != nil {
		return err
	}
	j := t.job
	j.progress.Rows[from]--
	j.progress.Rows[t.State]++
	c.touch(&was, t)
	c.settle(&was, t)
	switch {
	case withWorker(t.State) && !withWorker(from):
		c.give(t)
	case withWorker(from) && !withWorker(t.State):
		c.takeBack(t)
	case from == octaskly.Queued && t.State.Terminal():
		c.unwait(t)
	}
	switch {
	case t.State.Terminal():
		delete(j.live, t.Index)
		c.count(t.State, 1)
		c.batch.ends.add(t.State, t.Reason, 1)
		j.pace.ended(1, time.Now())
		c.pace.ended(1, time.Now())
		c.conclude(j)
	case t.State == octaskly.Queued && from != octaskly.Queued:
		c.await(j, 1)
		c.requeue(t)
	}
	return nil
}

func withWorker(s octaskly.State) bool { return s == octaskly.Assigned || s == octaskly.Running }

// count adds to the totals of ended tasks.
func (c *core) count(s octaskly.State, n int64) {
	c.totals[s] += n
	c.batch.ended[s] += n
}

// conclude closes a job when its last task has ended. Whoever waits for it does
// not wait for other ends.
func (c *core) conclude(j *job) {
	if !j.over() {
		return
	}
	j.progress.EndedAt = now()
	c.live--
	c.batch.kept += store.KeptTasks(&j.progress)
	c.touchJob(j)
	c.batch.urgent = true
	c.close(j)
}

// readSpec makes sure that the spec is in memory.
func (c *core) readSpec(j *job) error {
	if j.spec != nil {
		return nil
	}
	if j.Spec == nil {
		record, err := c.store.Job(context.Background(), j.ID)
		if err != nil {
			return fmt.Errorf("cannot read job %v: %w", j.ID, err)
		}
		j.Spec = record.Job.Spec
	}
	spec, err := protocol.DecodeSpec(j.SpecVersion, j.Spec)
	if err != nil {
		return fmt.Errorf("cannot read job %v: %w", j.ID, err)
	}
	j.spec = spec
	return nil
}
