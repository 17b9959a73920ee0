package store

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Changes is what one Commit writes. Jobs and Attempts are new, the other rows
// take the place of what was there. Of the Usage of an attempt's End only peaks
// and sums are kept; its processor time is the End's.
type Changes struct {
	Jobs     []octaskly.Job
	Inputs   []Input // of Jobs
	Progress []ProgressRow
	Tasks    []octaskly.Task
	Attempts []octaskly.Attempt
	Late     []octaskly.Attempt // whose ID, Worker, End and Inline are what came late, see octaskly.Late
	Workers  []octaskly.Worker
	Removed  []octaskly.WorkerID // forgotten, after Workers were written
	Seq      int64               // number of the latest transition
	Ended    octaskly.Counts     // tasks that have ended since the Commit before
	Queued   int64               // tasks that wait now
	Live     int64               // jobs that are not over now
	Events   []octaskly.Event    // what the rest tells, by Seq, ascending
	Roster   Roster              // what a removal ends
	Actions  []octaskly.Action   // to be appended to the audit log, which sets Seq and Hash
}

// ProgressRow is how far a job is.
type ProgressRow struct {
	Job octaskly.JobID
	octaskly.Progress
}

// Commit writes all changes or, when it returns an error, none. When it returns
// they are on disk. The error is ErrDiskFull where that is why.
//
// It does not heed its context: a transaction that has begun is finished, since
// one that ends in its midst would only leave open which way.
func (s *Store) Commit(_ context.Context, c *Changes) error {
	if err := s.writer.write(c); err != nil {
		return fmt.Errorf("cannot write to the database: %w", explain(s.suspect(err)))
	}
	s.bear(c.Jobs)
	return nil
}

// bear notes which ids are in use from now on.
func (s *Store) bear(jobs []octaskly.Job) {
	for i := range jobs {
		for at := s.bornJob.Load(); at < int64(jobs[i].ID); at = s.bornJob.Load() {
			s.bornJob.CompareAndSwap(at, int64(jobs[i].ID))
		}
	}
}
