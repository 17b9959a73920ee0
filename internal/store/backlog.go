package store

import (
	"context"
	"encoding/json"

	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	liveJobs    = `SELECT ` + jobColumns + `, ` + progressColumns + ` FROM progress p CROSS JOIN jobs j ON j.id = p.job`
	restingJobs = liveJobs + ` WHERE p.job > ? AND p.job <= ? AND p.ended_at = 0 AND p.queued + p.assigned + p.running = 0
		ORDER BY p.job LIMIT ?`
	// CROSS JOIN begins with what is wanted.
	wantedJobs = `SELECT ` + jobColumns + `, ` + progressColumns + `
		FROM json_each(?) AS wanted CROSS JOIN progress p ON p.job = wanted.value CROSS JOIN jobs j ON j.id = p.job
		WHERE p.ended_at = 0`
)

// Resting lists up to limit jobs that are not over, of which no task is beyond
// the queue, later than after and up to upTo, oldest first.
func (s *Store) Resting(ctx context.Context, after, upTo octaskly.JobID, limit int) ([]LiveJob, error) {
	rows, err := s.readers.resting.QueryContext(ctx, int64(after), int64(upTo), max(limit, 0))
	jobs, err := collect(rows, err, liveFields)
	return jobs, s.unreadable(ctx, err)
}

// Live finds those of some jobs that are not over, without their tasks, in the
// order of ids.
func (s *Store) Live(ctx context.Context, ids []octaskly.JobID) ([]LiveJob, error) {
	wanted, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.readers.wanted.QueryContext(ctx, string(wanted))
	jobs, err := collect(rows, err, liveFields)
	return jobs, s.unreadable(ctx, err)
}
