package main

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"

	"github.com/octaskly/octaskly/test/cluster"
)

// book is what clients have asked for and were told: the ledger outside of
// octaskly. It is for any number of goroutines.
type book struct {
	mu         sync.Mutex
	jobs       []*entry // in the order of their submission
	complaints []violation
	repeated   int // requests that were sent again because no answer had come
}

// entry is one job. The book's mu guards what is below the order.
type entry struct {
	*order
	ID        octaskly.JobID // 0: no answer has said so
	Cancelled time.Time
	Perhaps   bool // see history
	Retried   int
	Unsure    bool
	First     map[string]*ending // by the task's id
	Over      bool               // all of it was seen so
	Told      *cluster.Result    // what octasklyctl wait said and exited with
}

func (b *book) add(o *order) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &entry{order: o, First: map[string]*ending{}}
	b.jobs = append(b.jobs, e)
	return e
}

// note changes an entry.
func (b *book) note(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *book) complain(rule, task, format string, args ...any) {
	b.note(func() { b.complaints = append(b.complaints, violation{rule, task, fmt.Sprintf(format, args...)}) })
}

// open are the accepted jobs that nobody has seen over.
func (b *book) open() (open []*entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.jobs {
		if e.ID != 0 && !e.Over {
			open = append(open, e)
		}
	}
	return open
}

// adopt takes up jobs that were accepted although their client got no answer.
func (b *book) adopt(names map[octaskly.JobID]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := map[string]octaskly.JobID{}
	for id, name := range names {
		ids[name] = id
	}
	for _, e := range b.jobs {
		if e.ID == 0 {
			e.ID = ids[e.Tag]
		}
	}
}

// tasks names the tasks of an accepted job.
func (e *entry) tasks() (ids []octaskly.TaskID) {
	if e.Tasks == 0 {
		return []octaskly.TaskID{{Job: e.ID}}
	}
	for i := range e.Tasks {
		ids = append(ids, octaskly.TaskID{Job: e.ID, Index: i, Array: true})
	}
	return ids
}

// uptime is now by CLOCK_BOOTTIME.
func uptime() boottime {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err) // there is such a clock since Linux 2.6.39
	}
	return boottime(now.Nano())
}
