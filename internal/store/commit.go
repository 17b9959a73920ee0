package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Changes is what one Commit writes. Jobs and Attempts are new, the other rows
// take the place of what was there.
type Changes struct {
	Jobs     []octaskly.Job
	Progress []ProgressRow
	Tasks    []octaskly.Task
	Attempts []octaskly.Attempt
	Workers  []octaskly.Worker
	Seq      int64           // number of the latest transition
	Ended    octaskly.Counts // tasks that have ended since the Commit before
}

// ProgressRow is how far a job is.
type ProgressRow struct {
	Job octaskly.JobID
	octaskly.Progress
}

// Commit writes all changes or, when it returns an error, none. When it returns
// they are on disk.
func (s *Store) Commit(_ context.Context, c *Changes) error {
	// A transaction that has begun is finished: a context that ends in its midst
	// would only leave open which way.
	if err := s.writer.commit(c); err != nil {
		return fmt.Errorf("cannot write to the database: %w", explain(err))
	}
	return nil
}

// writer holds the connection that writes, and its statements. It talks to the
// driver itself: what database/sql does around each of several statements a task
// is a tenth of what they cost.
type writer struct {
	conn *sql.Conn

	begin, done, undo           *statement
	job, progress, task, result *statement
	worker, ledger              *statement
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn}
	err = conn.Raw(func(raw any) (err error) {
		for target, text := range map[**statement]string{
			&w.begin:    `BEGIN IMMEDIATE`,
			&w.done:     `COMMIT`,
			&w.undo:     `ROLLBACK`,
			&w.job:      `INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			&w.progress: `INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			&w.task:     `INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			&w.result:   `INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			&w.worker:   `INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			&w.ledger: `UPDATE ledger SET seq = ?, completed = completed + ?, failed = failed + ?,
				timed_out = timed_out + ?, cancelled = cancelled + ?`,
		} {
			if *target, err = prepare(raw, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

func (w *writer) close() error { return w.conn.Close() }

func (w *writer) commit(c *Changes) error {
	return w.conn.Raw(func(any) error { return w.transact(c) })
}

func (w *writer) transact(c *Changes) error {
	if err := w.begin.exec(); err != nil {
		return err
	}
	if err := w.write(c); err != nil {
		undone := w.undo.exec() // a full disk has rolled back by itself
		if undone == nil || errors.Is(explain(err), ErrDiskFull) {
			return err
		}
		return errors.Join(err, undone)
	}
	err := w.done.exec()
	if err != nil {
		w.undo.exec() // so that the next transaction can begin; it may be undone already
	}
	return err
}

func (w *writer) write(c *Changes) error {
	for i := range c.Jobs {
		if err := w.insertJob(&c.Jobs[i]); err != nil {
			return err
		}
	}
	for i := range c.Progress {
		if err := w.putProgress(&c.Progress[i]); err != nil {
			return err
		}
	}
	for i := range c.Tasks {
		if err := w.putTask(&c.Tasks[i]); err != nil {
			return err
		}
	}
	for i := range c.Attempts {
		if err := w.insertResult(&c.Attempts[i]); err != nil {
			return err
		}
	}
	for i := range c.Workers {
		if err := w.putWorker(&c.Workers[i]); err != nil {
			return err
		}
	}
	e := &c.Ended
	return w.ledger.exec(c.Seq, e[octaskly.Completed], e[octaskly.Failed], e[octaskly.TimedOut], e[octaskly.Cancelled])
}

func (w *writer) insertJob(j *octaskly.Job) error {
	var key any
	if j.Key != "" {
		key = j.Key
	}
	return w.job.exec(int64(j.ID), j.Owner, j.Name, int64(j.SpecVersion), j.Spec, j.Elements.String(), j.Array, int64(j.AtOnce),
		key, micros(j.SubmittedAt))
}

func (w *writer) putProgress(p *ProgressRow) error {
	r := &p.Rows
	return w.progress.exec(int64(p.Job), int64(p.Count().State()), p.Unclaimed.String(), p.Dropped.String(),
		r[octaskly.Queued], r[octaskly.Assigned], r[octaskly.Running], r[octaskly.Completed], r[octaskly.Failed],
		r[octaskly.TimedOut], r[octaskly.Cancelled], p.CancelReason, micros(p.EndedAt), p.Seq)
}

func (w *writer) putTask(t *octaskly.Task) error {
	return w.task.exec(taskKey(t.Job, t.Index), int64(t.State), int64(t.Attempt), int64(t.Failures), int64(t.Losses), string(t.Worker), t.Cancel,
		string(t.Reason), t.Detail, micros(t.NotBefore), micros(t.AssignedAt), micros(t.StartedAt), micros(t.EndedAt), t.Seq)
}

func (w *writer) insertResult(a *octaskly.Attempt) error {
	e := &a.End
	return w.result.exec(a.Seq, taskKey(a.ID.Job, a.ID.Index), int64(a.ID.Number), string(a.Worker), int64(e.State),
		string(e.Reason), e.Detail, micros(a.AssignedAt), micros(e.StartedAt), micros(e.EndedAt), int64(e.CPUTime), e.MaxRSS,
		e.Leftover, e.Output.Stored, e.Output.Stdout, e.Output.Stderr, e.Output.Discarded, a.Inline)
}

func (w *writer) putWorker(k *octaskly.Worker) error {
	room, err := json.Marshal(k.Room)
	if err != nil {
		return err
	}
	features, err := json.Marshal(k.Features)
	if err != nil {
		return err
	}
	return w.worker.exec(string(k.ID), k.Name, k.Version, int64(k.Slots), string(room), string(features), k.Address, micros(k.SeenAt))
}

// taskKey is the primary key of a task. octaskly.MaxIndex is less than 2^30.
func taskKey(job octaskly.JobID, i octaskly.Index) int64 { return int64(job)<<30 | i }

// micros is how a time is stored.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
