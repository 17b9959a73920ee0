package dispatcher

import (
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

// batch is what the next commit writes, and what goes out after it.
type batch struct {
	accepted  []octaskly.Job
	touched   []*job
	tasks     []*task
	attempts  []octaskly.Attempt
	late      []octaskly.Attempt // ends of attempts that were given up before
	workers   []octaskly.Worker
	removed   []octaskly.WorkerID
	roster    store.Roster  // of removed
	inputs    []store.Input // of accepted
	actions   []octaskly.Action
	events    []octaskly.Event
	ended     octaskly.Counts
	ends      ends
	kept      int64         // how many more tasks are kept that are over
	addressed []*worker     // with a frame to send
	waiters   []func(error) // told what became of the commit
	by        time.Time     // when it is to be written at the latest; zero: nothing waits
	urgent    bool
}

func (b *batch) addTask(t *task) {
	if !t.dirty {
		t.dirty = true
		b.tasks = append(b.tasks, t)
	}
}

func (b *batch) addJob(j *job) {
	if !j.dirty {
		j.dirty = true
		b.touched = append(b.touched, j)
	}
}

// reads notes which inputs an accepted job reads.
func (b *batch) reads(job octaskly.JobID, blobs ...octaskly.Blob) {
	for _, blob := range blobs {
		if blob != "" {
			b.inputs = append(b.inputs, store.Input{Blob: blob, Job: job})
		}
	}
}

// linger lets the batch wait for others, until now+d.
func (b *batch) linger(now time.Time, d time.Duration) {
	if by := now.Add(d); b.by.IsZero() || by.Before(b.by) {
		b.by = by
	}
}

// after calls done when the batch is on disk, or cannot be.
func (b *batch) after(done func(error)) {
	b.urgent = true
	b.waiters = append(b.waiters, done)
}

func (b *batch) empty() bool {
	return !b.writes() && len(b.addressed)+len(b.waiters) == 0
}

// writes reports whether there is anything for the store.
func (b *batch) writes() bool {
	return len(b.accepted)+len(b.touched)+len(b.tasks)+len(b.attempts)+len(b.late)+len(b.workers)+len(b.removed)+len(b.actions)+len(b.events) > 0
}

// maxBatch is how many rows a commit gathers before it is written anyhow.
const maxBatch = 4096

func (b *batch) due(now time.Time) bool {
	switch {
	case b.empty():
		return false
	case b.urgent || len(b.tasks) >= maxBatch:
		return true
	}
	return b.by.IsZero() || !now.Before(b.by)
}

func (b *batch) deadline() (time.Time, bool) { return b.by, !b.by.IsZero() }

func (b *batch) changes() *store.Changes {
	changes := &store.Changes{
		Jobs:     b.accepted,
		Inputs:   b.inputs,
		Progress: make([]store.ProgressRow, len(b.touched)),
		Tasks:    make([]octaskly.Task, len(b.tasks)),
		Attempts: b.attempts,
		Late:     b.late,
		Workers:  b.workers,
		Removed:  b.removed,
		Roster:   b.roster,
		Ended:    b.ended,
		Actions:  b.actions,
		Events:   b.events,
	}
	for i, j := range b.touched {
		changes.Progress[i] = store.ProgressRow{Job: j.ID, Progress: j.progress}
	}
	for i, t := range b.tasks {
		changes.Tasks[i] = t.Task
	}
	return changes
}

// fail tells all who wait that the commit will not be.
func (b *batch) fail(why error) {
	for _, done := range b.waiters {
		done(why)
	}
	*b = batch{}
}
