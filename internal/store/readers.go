package store

import (
	"context"
	"database/sql"
)

// readers are a pool of connections that only read, with the statements that
// are asked for often: SQLite takes longer to understand one of these than to
// answer it.
type readers struct {
	*sql.DB
	job, byKey, last, lastOf, task, attempts, output, resting, wanted, eventsAfter, eventsBefore *sql.Stmt
}

const (
	maxReaders  = 4
	readerCache = 512 // KiB, each
)

const (
	jobOf      = `SELECT ` + recordColumns + ` FROM jobs j JOIN progress p ON p.job = j.id` + singleTask + ` WHERE j.id = ? AND p.gone = 0`
	byKey      = `SELECT id FROM jobs WHERE owner = ? AND key = ?`
	last       = `SELECT j.id FROM jobs j CROSS JOIN progress p ON p.job = j.id WHERE p.gone = 0 ORDER BY j.id DESC LIMIT 1`
	lastOf     = `SELECT j.id FROM jobs j CROSS JOIN progress p ON p.job = j.id WHERE j.owner = ? AND p.gone = 0 ORDER BY j.id DESC LIMIT 1`
	taskOf     = `SELECT ` + taskColumns + ` FROM tasks t WHERE t.id = ?`
	attemptsOf = `SELECT ` + resultColumns + ` FROM results r WHERE r.task = ? ORDER BY r.attempt`
	outputOf   = `SELECT output, stored FROM results WHERE task = ? AND attempt = ?`
)

func openReaders(ctx context.Context, db *sql.DB) (*readers, error) {
	r := &readers{DB: db}
	r.SetMaxOpenConns(maxReaders)
	r.SetMaxIdleConns(maxReaders)
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&r.job, jobOf}, {&r.byKey, byKey}, {&r.last, last}, {&r.lastOf, lastOf},
		{&r.task, taskOf}, {&r.attempts, attemptsOf}, {&r.output, outputOf}, {&r.resting, restingJobs}, {&r.wanted, wantedJobs},
		{&r.eventsAfter, eventsAfter}, {&r.eventsBefore, eventsBefore},
	} {
		prepared, err := r.PrepareContext(ctx, s.text)
		if err != nil {
			r.Close()
			return nil, err
		}
		*s.to = prepared
	}
	return r, nil
}
