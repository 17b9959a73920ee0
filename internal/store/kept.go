package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Kept is a job that is over and has not been forgotten.
type Kept struct {
	Job         octaskly.JobID
	SubmittedAt time.Time
	EndedAt     time.Time
	Tasks       int64 // KeptTasks of its progress
}

// KeptTasks is what a job that is over counts for among those that are kept:
// its tasks that have a row, one at least.
func KeptTasks(p *octaskly.Progress) int64 { return max(1, p.Rows.Ended()) }

const (
	keptTasks = `max(1, p.completed + p.failed + p.timed_out + p.cancelled)`
	keptJobs  = `SELECT p.job, j.submitted_at, p.ended_at, ` + keptTasks + `
		FROM progress p CROSS JOIN jobs j ON j.id = p.job
		WHERE p.job > ? AND p.ended_at > 0 AND p.gone = 0 ORDER BY p.job LIMIT ?`
	countKept = `SELECT ifnull(sum(` + keptTasks + `), 0) FROM progress p WHERE p.ended_at > 0 AND p.gone = 0 AND p.seq <= ?`
	forgotten = `SELECT job FROM progress WHERE gone = 1`
	fateOf    = `SELECT ended_at, gone FROM progress WHERE job = ?`
	filesOf   = `SELECT r.job, r.idx, r.attempt FROM results r
		WHERE r.task BETWEEN ? AND ? AND r.stored > ifnull(length(r.output), 0)`
)

// Kept lists up to limit jobs that are over, oldest first, that come after a job.
func (s *Store) Kept(ctx context.Context, after octaskly.JobID, limit int) ([]Kept, error) {
	kept, err := list(ctx, s.readers, func(k *Kept) []any {
		return []any{&k.Job, moment{&k.SubmittedAt}, moment{&k.EndedAt}, &k.Tasks}
	}, keptJobs, int64(after), limit)
	return kept, s.unreadable(ctx, err)
}

// CountKept sums up Tasks of all jobs that have been over since transition seq
// or earlier. It reads every row of progress.
func (s *Store) CountKept(ctx context.Context, seq int64) (tasks int64, err error) {
	err = s.readers.QueryRowContext(ctx, countKept, seq).Scan(&tasks)
	return tasks, s.unreadable(ctx, err)
}

// Forgotten lists the jobs that have been forgotten and are not removed yet. It
// reads every row of progress.
func (s *Store) Forgotten(ctx context.Context) ([]octaskly.JobID, error) {
	ids, err := list(ctx, s.readers, func(id *octaskly.JobID) []any { return []any{id} }, forgotten)
	return ids, s.unreadable(ctx, err)
}

// Fate is what has become of an id.
type Fate int

const (
	Unborn  Fate = iota // no job has had it
	Live                // its job is not over
	Over                // its job is over, and kept
	Removed             // its job is forgotten, be it that rows are left
)

// Fate tells what has become of an id, and when its job ended if that is over.
func (s *Store) Fate(ctx context.Context, id octaskly.JobID) (fate Fate, ended time.Time, err error) {
	var gone bool
	err = s.readers.QueryRowContext(ctx, fateOf, int64(id)).Scan(moment{&ended}, &gone)
	switch {
	case errors.Is(err, sql.ErrNoRows) && s.Given(id):
		return Removed, ended, nil
	case errors.Is(err, sql.ErrNoRows):
		return Unborn, ended, nil
	case err != nil:
		return Unborn, ended, s.unreadable(ctx, err)
	case gone:
		return Removed, ended, nil
	case !ended.IsZero():
		return Over, ended, nil
	}
	return Live, ended, nil
}

// Given reports whether a job may have had an id: one from NextJobID that no commit
// has written yet is nobody's.
func (s *Store) Given(id octaskly.JobID) bool { return id > 0 && int64(id) <= s.bornJob.Load() }

// Files lists the attempts of a job that have ended and have output in a file.
func (s *Store) Files(ctx context.Context, job octaskly.JobID) ([]octaskly.AttemptID, error) {
	first, err := taskKey(job, 0)
	if err != nil {
		return nil, nil // there is none of that name
	}
	files, err := list(ctx, s.readers, func(id *octaskly.AttemptID) []any {
		return []any{&id.Job, &id.Index, &id.Number}
	}, filesOf, first, first|maxIndex)
	return files, s.unreadable(ctx, err)
}
