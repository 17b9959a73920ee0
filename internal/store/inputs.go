package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Input says that a job reads a blob.
type Input struct {
	Blob octaskly.Blob
	Job  octaskly.JobID
}

const (
	inputsOf = `SELECT i.blob, i.job FROM json_each(?) AS wanted CROSS JOIN inputs i ON i.job = wanted.value`
	inputsBy = `SELECT blob, job FROM inputs WHERE job > ? ORDER BY job LIMIT ?`
	readerOf = `SELECT ifnull(max(job), 0) FROM inputs WHERE blob = ?`
	readBy   = `SELECT EXISTS (SELECT 1 FROM (SELECT job FROM inputs WHERE blob = ? ORDER BY job DESC LIMIT 10000) i CROSS JOIN jobs j ON j.id = i.job WHERE j.owner = ?)`
	needed   = `SELECT EXISTS (SELECT 1 FROM inputs i JOIN progress p ON p.job = i.job WHERE i.blob = ? AND p.ended_at = 0)`
)

func addInput(s *statement, in *Input) error {
	s.add(string(in.Blob), int64(in.Job))
	return nil
}

func inputFields(in *Input) []any { return []any{&in.Blob, &in.Job} }

// Inputs lists what some jobs read.
func (s *Store) Inputs(ctx context.Context, jobs []octaskly.JobID) ([]Input, error) {
	wanted, err := json.Marshal(jobs)
	if err != nil {
		return nil, err
	}
	inputs, err := list(ctx, s.readers, inputFields, inputsOf, string(wanted))
	return inputs, s.unreadable(ctx, err)
}

// InputsAfter lists what is read by jobs that come after one, oldest first.
func (s *Store) InputsAfter(ctx context.Context, after octaskly.JobID, limit int) ([]Input, error) {
	inputs, err := list(ctx, s.readers, inputFields, inputsBy, int64(after), limit)
	return inputs, s.unreadable(ctx, err)
}

// LastReader is the latest job that reads a blob, 0 where there is none.
func (s *Store) LastReader(ctx context.Context, blob octaskly.Blob) (job octaskly.JobID, err error) {
	err = s.readers.QueryRowContext(ctx, readerOf, string(blob)).Scan(&job)
	return job, s.unreadable(ctx, err)
}

// Reads reports whether one of the latest 10,000 jobs that read a blob is an owner's.
func (s *Store) Reads(ctx context.Context, owner string, blob octaskly.Blob) (some bool, err error) {
	err = s.readers.QueryRowContext(ctx, readBy, string(blob), owner).Scan(&some)
	return some, s.unreadable(ctx, err)
}

// Needed reports whether a job that is not over reads a blob.
func (s *Store) Needed(ctx context.Context, blob octaskly.Blob) (some bool, err error) {
	err = s.readers.QueryRowContext(ctx, needed, string(blob)).Scan(&some)
	return some, s.unreadable(ctx, err)
}

// Unlisted reports whether there are jobs of which nobody has noted what they
// read: those from before schema version 3 are.
func (s *Store) Unlisted(ctx context.Context) (some bool, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM jobs
		WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'unlisted'))`).Scan(&some)
	return some, s.unreadable(ctx, err)
}

// noteUnlisted keeps the latest job from before inputs were noted. It does so
// once in the life of a database.
func noteUnlisted(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `INSERT INTO meta SELECT 'unlisted', ifnull(max(id), 0) FROM jobs WHERE true ON CONFLICT DO NOTHING`)
	return err
}
