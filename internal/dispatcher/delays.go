package dispatcher

import (
	"slices"
	"time"
)

// delays holds the tasks that wait for their time, soonest first.
type delays struct{ tasks []*task }

func (d *delays) push(t *task) {
	at, _ := slices.BinarySearchFunc(d.tasks, t, func(a, b *task) int { return a.NotBefore.Compare(b.NotBefore) })
	d.tasks = slices.Insert(d.tasks, at, t)
}

// pop takes a task whose time has come, or nil.
func (d *delays) pop(now time.Time) *task {
	if len(d.tasks) == 0 || d.tasks[0].NotBefore.After(now) {
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
	return d.tasks[0].NotBefore, true
}

func (d *delays) remove(t *task) {
	d.tasks = slices.DeleteFunc(d.tasks, func(o *task) bool { return o == t })
}
