package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// now is the time in whole microseconds, as the store keeps it. It is not for
// waiting: the clock on the wall may jump.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// maxPicks bounds the tasks placed by one round, so that a commit stays small.
const maxPicks = 1024

// schedule places what can be placed and takes back what waits in the wrong
// place.
func (c *core) schedule(at time.Time) {
	if c.waiting > 0 && len(c.present) > 0 {
		for _, pick := range c.queue.Assign(c.present, maxPicks) {
			c.assign(pick)
		}
	}
	c.readOn()
	if due, ok := c.levelAt(); ok && !at.Before(due) {
		c.level(at)
	}
}

// assign gives the picked number of a job's tasks to a worker. They are sent
// when their attempts are on disk.
func (c *core) assign(pick scheduler.Pick) {
	j, w := c.jobs[pick.Job.ID], c.workers[pick.Worker.ID]
	failed, err := c.sendSpec(j, w)
	if err != nil {
		c.err = err
		return
	}
	frame := c.frame(w)
	at, sent := now(), time.Now()
	for range pick.N {
		t := c.claim(j)
		if c.err = c.move(t, func(t *octaskly.Task) error { return t.Assign(w.ID, at) }); c.err != nil {
			return // cannot be: what waits can be assigned
		}
		if failed != nil {
			c.end(t, *failed, nil)
			continue
		}
		t.sentAt = sent
		if err := addAssignment(frame, t); err != nil {
			c.end(t, octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExecutor, Detail: err.Error()}, nil)
		}
	}
	if w.sched.Held <= w.sched.Slots+w.sched.Ahead/2 {
		c.batch.urgent = true // some of its slots may be empty
	} else {
		c.linger()
	}
}

// sendSpec makes sure that w knows how to run j's tasks. Those that nobody can run
// end as failed says.
func (c *core) sendSpec(j *job, w *worker) (failed *octaskly.End, err error) {
	if err := c.readSpec(j); err != nil {
		return nil, err
	}
	if j.spec.Items != "" && j.items == nil {
		j.items = c.blobs.items(j.spec.Items)
	}
	if w.specs[j.ID] {
		return nil, nil
	}
	secrets, err := c.unseal(j.spec, j.Owner)
	if err != nil {
		return withoutSecrets(err), nil
	}
	w.specs[j.ID] = true
	j.sentTo = append(j.sentTo, w)
	frame := c.frame(w)
	frame.Specs = append(frame.Specs, protocol.JobSpec{Job: j.ID, Version: j.SpecVersion, Spec: j.Spec, Array: j.Array, Secrets: secrets})
	return nil, nil
}

// addAssignment appends a task to a frame: to its last range where that goes on.
func addAssignment(frame *protocol.ToWorker, t *task) error {
	var item string
	if t.job.items != nil {
		var err error
		if item, err = t.job.items.line(t.Index); err != nil {
			return err
		}
	}
	if n := len(frame.Assign); n > 0 {
		last := &frame.Assign[n-1]
		end := &last.Elements[len(last.Elements)-1]
		if last.Job == t.Job && last.Attempt == t.Attempt && end.Step == 1 && end.Hi+1 == t.Index {
			end.Hi = t.Index
			last.Items = appendItem(last.Items, t.job, item)
			return nil
		}
	}
	frame.Assign = append(frame.Assign, protocol.Assign{
		Job: t.Job, Elements: octaskly.Span(t.Index, t.Index), Attempt: t.Attempt,
		Items: appendItem(nil, t.job, item),
	})
	return nil
}

func appendItem(items []string, j *job, item string) []string {
	if j.items == nil {
		return nil
	}
	return append(items, item)
}

// patience is how long a task may wait on one worker while another idles.
const patience = 50 * time.Millisecond

// levelAt is when to take back tasks that wait on a busy worker while another
// could start them; never while that is for one of those that wait for a worker.
func (c *core) levelAt() (at time.Time, ok bool) {
	spare := c.spare()
	for _, recall := range scheduler.Level(spare) {
		w := c.workers[recall.Worker.ID]
		for _, t := range w.stranded(spare) {
			due := later(t.sentAt, w.recalled).Add(patience)
			if !ok || due.Before(at) {
				at, ok = due, true
			}
		}
	}
	return at, ok
}

// spare are the workers whose free slots no waiting task can use or has reserved.
func (c *core) spare() []*scheduler.Worker {
	switch {
	case c.waiting == 0:
		return c.present
	case !c.queue.Idle():
		return nil
	}
	return c.queue.Unreserved(c.present)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// stranded are the tasks that w has not started and one of the spare workers could.
func (w *worker) stranded(spare []*scheduler.Worker) (tasks []*task) {
	for t := range w.held {
		if t.State == octaskly.Assigned && scheduler.CouldStart(t.job.sched, spare) {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// level asks busy workers to give back what they have not started.
func (c *core) level(at time.Time) {
	spare := c.spare()
	for _, recall := range scheduler.Level(spare) {
		w := c.workers[recall.Worker.ID]
		stranded := w.stranded(spare)
		if len(stranded) == 0 {
			continue
		}
		w.recalled = at
		frame := c.frame(w)
		for _, t := range stranded[:min(recall.N, len(stranded))] {
			frame.Recall = append(frame.Recall, t.Current())
		}
	}
}
