package dispatcher

import (
	"slices"
	"time"
)

// delays holds the tasks that wait for their time, soonest first.
type delays struct{ tasks []*task }

// push takes in a task that waits until its NotBefore. How long that is it takes
// from the clock on the wall, once, and takes no more than can be meant.
func (d *delays) push(t *task, at time.Time) {
	wait := t.NotBefore.Sub(at)
	if t.job.spec != nil {
		wait = min(wait, t.job.spec.MaxWait(t.Failures))
	}
	t.dueAt = at.Add(wait)
	i, _ := slices.BinarySearchFunc(d.tasks, t, func(a, b *task) int { return a.dueAt.Compare(b.dueAt) })
	d.tasks = slices.Insert(d.tasks, i, t)
}

// pop takes a task whose time has come, or nil.
func (d *delays) pop(now time.Time) *task {
	if len(d.tasks) == 0 || d.tasks[0].dueAt.After(now) {
		return nil
	}
	t := d.tasks[0]
	d.tasks = d.tasks[1:]
	return t
}

func (d *delays) next() (time.Time, bool) {
	if len(d.tasks) == 0 {
		return time.Time{}, false
	}
	return d.tasks[0].dueAt, true
}

func (d *delays) remove(t *task) {
	d.tasks = slices.DeleteFunc(d.tasks, func(o *task) bool { return o == t })
}
