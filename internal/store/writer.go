package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// writer holds the connection that writes, and its statements. It talks to the
// driver itself: what database/sql does around each of several statements a task
// is a tenth of what they cost.
type writer struct {
	conn *sql.Conn

	begin, done, undo           *statement
	job, progress, task, result *statement
	worker, ledger              *statement
	all                         []*statement
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn}
	if err := conn.Raw(w.prepare); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) prepare(conn any) error {
	for _, s := range []struct {
		to   **statement
		text string
	}{
		{&w.begin, `BEGIN IMMEDIATE`},
		{&w.done, `COMMIT`},
		{&w.undo, `ROLLBACK`},
		{&w.job, `INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.progress, `INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.task, `INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.result, `INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.worker, `INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.ledger, `UPDATE ledger SET seq = ?, completed = completed + ?, failed = failed + ?,
			timed_out = timed_out + ?, cancelled = cancelled + ?`},
	} {
		prepared, err := prepare(conn, s.text)
		if err != nil {
			return err
		}
		*s.to = prepared
		w.all = append(w.all, prepared)
	}
	return nil
}

// close ends the statements first: SQLite keeps a connection, and with it the
// write-ahead log, for as long as one of them is left.
func (w *writer) close() error {
	err := w.conn.Raw(func(any) error {
		var errs []error
		for _, s := range w.all {
			errs = append(errs, s.close())
		}
		return errors.Join(errs...)
	})
	return errors.Join(err, w.conn.Close())
}

func (w *writer) commit(c *Changes) error {
	return w.conn.Raw(func(any) error { return w.transact(c) })
}

func (w *writer) transact(c *Changes) error {
	if err := w.begin.exec(); err != nil {
		return err
	}
	err := w.write(c)
	if err == nil {
		err = w.done.exec()
	}
	if err != nil {
		w.undo.exec() // fails only where SQLite has rolled back by itself, as for a full disk
	}
	return err
}

// write stops at the first error: SQLite may have rolled back by then, and what
// came after would be written all the same.
func (w *writer) write(c *Changes) error {
	if err := each(c.Jobs, w.insertJob); err != nil {
		return err
	}
	if err := each(c.Progress, w.putProgress); err != nil {
		return err
	}
	if err := each(c.Tasks, w.putTask); err != nil {
		return err
	}
	if err := each(c.Attempts, w.insertResult); err != nil {
		return err
	}
	if err := each(c.Workers, w.putWorker); err != nil {
		return err
	}
	e := &c.Ended
	return w.ledger.exec(c.Seq, e[octaskly.Completed], e[octaskly.Failed], e[octaskly.TimedOut], e[octaskly.Cancelled])
}

func each[T any](rows []T, put func(*T) error) error {
	for i := range rows {
		if err := put(&rows[i]); err != nil {
			return err
		}
	}
	return nil
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
	key, err := taskKey(t.Job, t.Index)
	if err != nil {
		return err
	}
	return w.task.exec(key, int64(t.State), int64(t.Attempt), int64(t.Failures), int64(t.Losses), string(t.Worker), t.Cancel,
		string(t.Reason), t.Detail, micros(t.NotBefore), micros(t.AssignedAt), micros(t.StartedAt), micros(t.EndedAt), t.Seq)
}

func (w *writer) insertResult(a *octaskly.Attempt) error {
	key, err := taskKey(a.ID.Job, a.ID.Index)
	if err != nil {
		return err
	}
	e := &a.End
	return w.result.exec(a.Seq, key, int64(a.ID.Number), string(a.Worker), int64(e.State),
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
