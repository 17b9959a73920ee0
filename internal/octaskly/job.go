package octaskly

import "time"

// Job is a submission as it was accepted; nothing of it ever changes.
type Job struct {
	ID          JobID
	Owner       string
	Name        string
	SpecVersion int
	Spec        []byte // encoded Spec, the bytes that were accepted
	Elements    Ranges // index 0 alone for a plain job
	Array       bool
	AtOnce      int    // at most so many tasks run at the same time; 0: no such limit
	Key         string // idempotency key, unique per owner; empty: none
	SubmittedAt time.Time
}

// Task names element i of the job.
func (j *Job) Task(i Index) TaskID { return TaskID{Job: j.ID, Index: i, Array: j.Array} }

// Progress is how far a job is. An element without a row of its own is in
// Unclaimed or in Dropped; the others are counted by their state. State and
// counters of a job follow from this and from nothing else.
type Progress struct {
	Unclaimed    Ranges // never left queued
	Dropped      Ranges // cancelled before they left queued
	Rows         Counts // elements with a row
	CancelReason string // of the latest cancel
	EndedAt      time.Time
	Seq          int64 // number of the job's latest transition
}

// Counts holds a number of tasks for each state.
type Counts [Cancelled + 1]int64

// Count sums rows and ranges.
func (p *Progress) Count() Counts {
	c := p.Rows
	c[Queued] += p.Unclaimed.Count()
	c[Cancelled] += p.Dropped.Count()
	return c
}

// Over reports whether no task is left that may still run.
func (c Counts) Over() bool { return c[Queued]+c[Assigned]+c[Running] == 0 }

// Total is the number of all tasks.
func (c Counts) Total() (n int64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Ended is the number of tasks in a terminal state.
func (c Counts) Ended() int64 { return c[Completed] + c[Failed] + c[TimedOut] + c[Cancelled] }

// State is the job's state: running from the first task that leaves the queue
// until the last has ended, then the worst end of any task.
func (c Counts) State() State {
	switch {
	case c.Over():
		for _, s := range []State{Failed, TimedOut, Cancelled} {
			if c[s] > 0 {
				return s
			}
		}
		return Completed
	case c[Running] > 0 || c.Ended() > 0:
		return Running
	case c[Assigned] > 0:
		return Assigned
	}
	return Queued
}
