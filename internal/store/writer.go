package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// writer holds the connection that writes, and its statements. It talks to the
// driver itself: what database/sql does around each of them is a tenth of what
// they cost.
type writer struct {
	using turns // guards what a salvage replaces: all of it
	tools
}

// tools are what a connection has been prepared with.
type tools struct {
	conn *sql.Conn

	begin, commit, undo, ledger, late, remove *statement
	jobs, progress, tasks, results, workers   table
	inputs                                    table
	accounts                                  accountant
	roster                                    enlister
	audit                                     auditor
	events                                    eventWriter
	collecting                                collector
	all                                       []*statement

	loose bool // commits do not wait for the disk
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{tools: tools{conn: conn}}
	if err := conn.Raw(w.prepare); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) prepare(conn any) (err error) {
	statement := func(text string) *statement {
		s, failed := prepare(conn, text)
		if failed != nil {
			err = errors.Join(err, failed)
			return nil
		}
		w.all = append(w.all, s)
		return s
	}
	table := func(insert string, columns int) table {
		return table{one: statement(insert + rowsOf(columns, 1)), many: statement(insert + rowsOf(columns, chunk))}
	}
	w.begin, w.commit, w.undo = statement(`BEGIN IMMEDIATE`), statement(`COMMIT`), statement(`ROLLBACK`)
	w.jobs = table(`INSERT INTO jobs VALUES `, 10)
	w.progress = table(`INSERT OR REPLACE INTO progress VALUES `, 15)
	w.tasks = table(`INSERT OR REPLACE INTO tasks VALUES `, 15)
	w.results = table(`INSERT INTO results VALUES `, 29)
	w.workers = table(`INSERT OR REPLACE INTO workers VALUES `, 11)
	w.inputs = table(`INSERT OR IGNORE INTO inputs VALUES `, 2)
	w.accounts.prepare(statement, table)
	w.roster.prepare(statement, table)
	w.audit.prepare(statement, table)
	w.events.rows = statement(`INSERT INTO events VALUES (?, ?, ?)`)
	w.collecting.prepare(statement)
	w.late, w.remove = statement(lateEnd), statement(`DELETE FROM workers WHERE id = ?`)
	w.ledger = statement(`UPDATE ledger SET seq = ?, completed = completed + ?, failed = failed + ?,
		timed_out = timed_out + ?, cancelled = cancelled + ?, queued = ?, live = ?`)
	return err
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

// shut is close, when nobody uses it.
func (w *writer) shut() error {
	w.using.take(false)
	defer w.using.give()
	return w.close()
}

// replace takes over the connection of another.
func (w *writer) replace(other *writer) {
	w.using.take(false)
	defer w.using.give()
	w.tools = other.tools
}

func (w *writer) write(c *Changes) error {
	w.using.take(true)
	defer w.using.give()
	return w.durably(len(c.Actions), func() error { return w.put(c) })
}

// durably makes one transaction of changes with so many rows of the audit log,
// which is on disk when it returns.
func (w *writer) durably(actions int, change func() error) error {
	if actions > 0 {
		if err := w.audit.begin(w.conn); err != nil {
			return err
		}
	}
	err := w.conn.Raw(func(conn any) error {
		if w.loose {
			if err := w.setSync(conn, true); err != nil {
				return err
			}
		}
		return w.within(change)
	})
	w.audit.end(err)
	return err
}

// within makes one transaction of changes.
func (w *writer) within(change func() error) error {
	if err := w.begin.exec(); err != nil {
		return err
	}
	err := change()
	if err == nil {
		err = w.commit.exec()
	}
	if err != nil {
		w.undo.exec() // fails only where SQLite has rolled back by itself, as for a full disk
	}
	return err
}

func (w *writer) put(c *Changes) error {
	if err := insert(w.jobs, c.Jobs, addJob); err != nil {
		return err
	}
	if err := insert(w.inputs, c.Inputs, addInput); err != nil {
		return err
	}
	if err := insert(w.progress, c.Progress, addProgress); err != nil {
		return err
	}
	if err := insert(w.tasks, c.Tasks, addTask); err != nil {
		return err
	}
	if err := insert(w.results, c.Attempts, addResult); err != nil {
		return err
	}
	if err := w.putLate(c.Late); err != nil {
		return err
	}
	if err := insert(w.workers, c.Workers, addWorker); err != nil {
		return err
	}
	for _, id := range c.Removed {
		if err := w.remove.exec(string(id)); err != nil {
			return err
		}
	}
	if err := w.roster.put(&c.Roster); err != nil {
		return err
	}
	if err := w.events.put(c.Events); err != nil {
		return err
	}
	e := &c.Ended
	err := w.ledger.exec(c.Seq, e[octaskly.Completed], e[octaskly.Failed], e[octaskly.TimedOut], e[octaskly.Cancelled], c.Queued, c.Live)
	if err != nil || len(c.Actions) == 0 {
		return err
	}
	if err := w.audit.add(c.Actions); err != nil {
		return err
	}
	return w.audit.note()
}

func addJob(s *statement, j *octaskly.Job) error {
	var key any
	if j.Key != "" {
		key = j.Key
	}
	s.add(int64(j.ID), j.Owner, j.Name, int64(j.SpecVersion), j.Spec, j.Elements.String(), j.Array, int64(j.AtOnce),
		key, micros(j.SubmittedAt))
	return nil
}

func addProgress(s *statement, p *ProgressRow) error {
	r := &p.Rows
	s.add(int64(p.Job), int64(p.Count().State()), p.Unclaimed.String(), p.Dropped.String(),
		r[octaskly.Queued], r[octaskly.Assigned], r[octaskly.Running], r[octaskly.Completed], r[octaskly.Failed],
		r[octaskly.TimedOut], r[octaskly.Cancelled], p.CancelReason, micros(p.EndedAt), p.Seq, false)
	return nil
}

func addTask(s *statement, t *octaskly.Task) error {
	key, err := taskKey(t.Job, t.Index)
	s.add(key, int64(t.State), int64(t.Attempt), int64(t.Failures), int64(t.Losses), string(t.Worker), t.Cancel,
		string(t.Reason), t.Detail, micros(t.NotBefore), micros(t.AssignedAt), micros(t.StartedAt), micros(t.EndedAt), t.Seq,
		micros(t.LostAt))
	return err
}

func addResult(s *statement, a *octaskly.Attempt) error {
	key, err := taskKey(a.ID.Job, a.ID.Index)
	e, u := &a.End, &a.End.Usage
	s.add(a.Seq, key, int64(a.ID.Number), string(a.Worker), int64(e.State),
		string(e.Reason), e.Detail, micros(a.AssignedAt), micros(e.StartedAt), micros(e.EndedAt), int64(e.CPUTime), e.MaxRSS,
		e.Leftover, e.Output.Stored, e.Output.Stdout, e.Output.Stderr, e.Output.Discarded, a.Inline,
		u.MemoryPeak, u.ProcessesPeak, u.Read, u.Written, u.DiskPeak, e.Limit, e.Peak, e.Workspace,
		int64(a.Late.State), string(a.Late.Reason), micros(a.Late.At))
	return err
}

func addWorker(s *statement, k *octaskly.Worker) error {
	room, err := json.Marshal(k.Room)
	if err != nil {
		return err
	}
	features, err := json.Marshal(k.Features)
	if err != nil {
		return err
	}
	checks, err := json.Marshal(k.Checks)
	if err != nil {
		return err
	}
	drain, err := json.Marshal(k.Drain)
	s.add(string(k.ID), k.Name, k.Version, int64(k.Slots), string(room), string(features), k.Address, micros(k.SeenAt),
		string(checks), k.Left, string(drain))
	return err
}
