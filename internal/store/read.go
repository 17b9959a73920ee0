package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Record is a job, how far it is, and the row of a plain job's single task if
// that has left the queue.
type Record struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Task     *octaskly.Task
}

// Query chooses jobs.
type Query struct {
	Owner  string           // empty: everyone's
	IDs    octaskly.Ranges  // nil: all
	States []octaskly.State // none: all
	Live   bool             // those that are not over
	Ended  bool             // those that are
	Before octaskly.JobID   // older than this one; 0: all
	Limit  int
}

// missing makes octaskly.ErrNotFound of a row that is not there.
func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return octaskly.ErrNotFound
	}
	return err
}

const fromJobs = `SELECT ` + jobColumns + `, ` + progressColumns + ` FROM jobs j JOIN progress p ON p.job = j.id `

// Job finds a job by its id.
func (s *Store) Job(ctx context.Context, id octaskly.JobID) (*Record, error) {
	r := new(Record)
	if err := scanJob(s.readers.QueryRowContext(ctx, fromJobs+`WHERE j.id = ?`, int64(id)), &r.Job, &r.Progress); err != nil {
		return nil, missing(err)
	}
	return r, s.addTask(ctx, r)
}

// addTask reads the single task of a plain job.
func (s *Store) addTask(ctx context.Context, r *Record) error {
	if r.Job.Array {
		return nil
	}
	t, err := s.Task(ctx, r.Job.ID, 0)
	if errors.Is(err, octaskly.ErrNotFound) {
		return nil
	}
	r.Task = t
	return err
}

// JobByKey finds the job that owner submitted with an idempotency key.
func (s *Store) JobByKey(ctx context.Context, owner, key string) (id octaskly.JobID, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT id FROM jobs WHERE owner = ? AND key = ?`, owner, key).Scan(&id)
	return id, missing(err)
}

// LastJob finds the latest job of owner, or of anyone where owner is empty.
func (s *Store) LastJob(ctx context.Context, owner string) (id octaskly.JobID, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT id FROM jobs WHERE ? IN ('', owner) ORDER BY id DESC LIMIT 1`, owner).Scan(&id)
	return id, missing(err)
}

// Jobs lists the jobs that q chooses, newest first.
func (s *Store) Jobs(ctx context.Context, q Query) ([]Record, error) {
	where, args := q.where()
	rows, err := s.readers.QueryContext(ctx, fromJobs+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		var r Record
		if err := scanJob(rows, &r.Job, &r.Progress); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range records {
		if err := s.addTask(ctx, &records[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// where is the condition, order and limit of q.
func (q *Query) where() (text string, args []any) {
	var all []string
	add := func(condition string, values ...any) {
		all = append(all, condition)
		args = append(args, values...)
	}
	switch {
	case q.Live && !q.Ended:
		add(`p.ended_at = 0`)
	case q.Ended && !q.Live:
		add(`p.ended_at > 0`)
	}
	if q.Owner != "" {
		add(`j.owner = ?`, q.Owner)
	}
	if q.Before > 0 {
		add(`p.job < ?`, int64(q.Before))
	}
	if q.IDs != nil {
		var some []string
		for _, r := range q.IDs {
			some = append(some, `(p.job BETWEEN ? AND ? AND (p.job - ?) % ? = 0)`)
			args = append(args, r.Lo, r.Hi, r.Lo, r.Step)
		}
		all = append(all, `(`+strings.Join(some, ` OR `)+`)`)
	}
	if len(q.States) > 0 {
		add(`p.state IN (`+marks(len(q.States))+`)`, numbers(q.States)...)
	}
	if len(all) > 0 {
		text = `WHERE ` + strings.Join(all, ` AND `)
	}
	return text + ` ORDER BY p.job DESC LIMIT ?`, append(args, q.Limit)
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat(`?,`, n), `,`) }

func numbers(states []octaskly.State) []any {
	list := make([]any, len(states))
	for i, s := range states {
		list[i] = int64(s)
	}
	return list
}

// Task finds the row of a task that has left the queue.
func (s *Store) Task(ctx context.Context, job octaskly.JobID, i octaskly.Index) (*octaskly.Task, error) {
	t := new(octaskly.Task)
	query := `SELECT ` + taskColumns + ` FROM tasks t WHERE t.id = ?`
	if err := scanTask(s.readers.QueryRowContext(ctx, query, taskKey(job, i)), t); err != nil {
		return nil, missing(err)
	}
	return t, nil
}

// Tasks lists tasks of a job that have left the queue, by index. No states are
// all.
func (s *Store) Tasks(ctx context.Context, job octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]octaskly.Task, error) {
	query, args := `SELECT `+taskColumns+` FROM tasks t WHERE t.id BETWEEN ? AND ?`, []any{taskKey(job, from), taskKey(job, octaskly.MaxIndex)}
	if len(states) > 0 {
		query += ` AND t.state IN (` + marks(len(states)) + `)`
		args = append(args, numbers(states)...)
	}
	return list(ctx, s.readers, scanTask, query+` ORDER BY t.id LIMIT ?`, append(args, limit)...)
}

// Attempts lists the attempts of a task that have ended, without their output.
func (s *Store) Attempts(ctx context.Context, job octaskly.JobID, i octaskly.Index) ([]octaskly.Attempt, error) {
	query := `SELECT ` + resultColumns + ` FROM results r WHERE r.task = ? ORDER BY r.attempt`
	return list(ctx, s.readers, scanResult, query, taskKey(job, i))
}

// Output is the stored output of an attempt that has ended, and how much there
// is of it: when that is more, it lies in a file.
func (s *Store) Output(ctx context.Context, id octaskly.AttemptID) (inline []byte, stored int64, err error) {
	query := `SELECT output, stored FROM results WHERE task = ? AND attempt = ?`
	err = s.readers.QueryRowContext(ctx, query, taskKey(id.Job, id.Index), id.Number).Scan(&inline, &stored)
	return inline, stored, missing(err)
}

// list reads all rows of a query.
func list[T any](ctx context.Context, db *sql.DB, scan func(row, *T) error, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, fmt.Errorf("cannot read a row: %w", err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
