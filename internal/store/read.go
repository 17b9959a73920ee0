package store

import (
	"context"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// JobByKey finds the job that owner submitted with an idempotency key.
func (s *Store) JobByKey(ctx context.Context, owner, key string) (id octaskly.JobID, err error) {
	err = s.readers.byKey.QueryRowContext(ctx, owner, key).Scan(&id)
	return id, s.unreadable(ctx, err)
}

// LastJob finds the latest job of owner, or of anyone where owner is empty.
func (s *Store) LastJob(ctx context.Context, owner string) (id octaskly.JobID, err error) {
	if owner == "" {
		err = s.readers.last.QueryRowContext(ctx).Scan(&id)
	} else {
		err = s.readers.lastOf.QueryRowContext(ctx, owner).Scan(&id)
	}
	return id, s.unreadable(ctx, err)
}

// Task finds the row of a task that has left the queue.
func (s *Store) Task(ctx context.Context, job octaskly.JobID, i octaskly.Index) (*octaskly.Task, error) {
	key, err := taskKey(job, i)
	if err != nil {
		return nil, err
	}
	t := new(octaskly.Task)
	if err := s.readers.task.QueryRowContext(ctx, key).Scan(taskFields(t)...); err != nil {
		return nil, s.unreadable(ctx, err)
	}
	return t, nil
}

// Tasks lists up to limit tasks of a job that have left the queue, by index. No
// states are all.
func (s *Store) Tasks(ctx context.Context, job octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]octaskly.Task, error) {
	first, err := taskKey(job, max(from, 0))
	if err != nil {
		return nil, nil // there is none of that name
	}
	query := `SELECT ` + taskColumns + ` FROM tasks t WHERE t.id BETWEEN ? AND ?`
	if len(states) > 0 {
		query += ` AND t.state IN (` + numbers(states) + `)`
	}
	tasks, err := list(ctx, s.readers, taskFields, query+` ORDER BY t.id LIMIT ?`, first, first|maxIndex, max(limit, 0))
	return tasks, s.unreadable(ctx, err)
}

// Attempts lists the attempts of a task that have ended, without their output.
func (s *Store) Attempts(ctx context.Context, job octaskly.JobID, i octaskly.Index) ([]octaskly.Attempt, error) {
	key, err := taskKey(job, i)
	if err != nil {
		return nil, nil // there is none of that name
	}
	rows, err := s.readers.attempts.QueryContext(ctx, key)
	attempts, err := collect(rows, err, resultFields)
	return attempts, s.unreadable(ctx, err)
}

// Output is the stored output of an attempt that has ended, and how much there
// is of it in bytes: when that is more, it lies in a file.
func (s *Store) Output(ctx context.Context, id octaskly.AttemptID) (inline []byte, stored int64, err error) {
	key, err := taskKey(id.Job, id.Index)
	if err != nil {
		return nil, 0, err
	}
	err = s.readers.output.QueryRowContext(ctx, key, id.Number).Scan(&inline, &stored)
	return inline, stored, s.unreadable(ctx, err)
}

// Totals is how many tasks have ended in each state since the database began.
func (s *Store) Totals(ctx context.Context) (octaskly.Counts, error) {
	var l ledger
	err := l.read(ctx, s.readers)
	return l.totals, s.unreadable(ctx, err)
}

// ledger is the one row of its table.
type ledger struct {
	seq    int64
	totals octaskly.Counts
	queued int64 // tasks that wait; -1: nobody has counted
	live   int64 // jobs that are not over; likewise
}

func (l *ledger) read(ctx context.Context, from source) error {
	c := &l.totals
	return from.QueryRowContext(ctx, `SELECT seq, completed, failed, timed_out, cancelled, queued, live FROM ledger`).
		Scan(&l.seq, &c[octaskly.Completed], &c[octaskly.Failed], &c[octaskly.TimedOut], &c[octaskly.Cancelled], &l.queued, &l.live)
}
