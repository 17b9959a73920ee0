package store

import (
	"context"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Record is a job, how far it is, and the row of a plain job's single task if
// that has left the queue. All of it was so at the same time.
type Record struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Task     *octaskly.Task
}

const (
	recordColumns = jobColumns + `, ` + progressColumns + `, ` + singleColumns
	singleTask    = ` LEFT JOIN tasks t ON t.id = j.id << 30 AND NOT j.array`
)

func recordFields(r *Record) []any {
	r.Task = new(octaskly.Task)
	return slices.Concat(jobFields(&r.Job), progressFields(&r.Progress), taskFields(r.Task))
}

// tidy drops a task that was not there.
func (r *Record) tidy() {
	if r.Task.State == 0 {
		r.Task = nil
	}
}

// Job finds a job by its id.
func (s *Store) Job(ctx context.Context, id octaskly.JobID) (*Record, error) {
	r := new(Record)
	if err := s.readers.job.QueryRowContext(ctx, int64(id)).Scan(recordFields(r)...); err != nil {
		return nil, s.unreadable(ctx, err)
	}
	r.tidy()
	return r, nil
}
