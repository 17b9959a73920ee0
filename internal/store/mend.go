package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// mender makes what was saved agree with itself, so that a dispatcher can load
// it. A job's counters follow from its rows. An element that has no row runs
// again, unless a result tells how it ended: its row is made of the latest one
// then.
type mender struct {
	db     *sql.DB
	now    time.Time
	seq    int64
	doubts map[octaskly.JobID]bool // jobs that may have been deleted before: they do not run again
	report *Salvage
	totals octaskly.Counts // of tasks that are over

	touched []octaskly.JobID // of which something was lost
}

func (m *mender) run(ctx context.Context, c *copier) error {
	m.doubts = c.doubtful
	for i := range impossible {
		if err := m.exec(ctx, impossible[i].drop()); err != nil {
			return err
		}
	}
	if err := m.dropUnreadable(ctx); err != nil {
		return err
	}
	if err := m.dropLost(ctx); err != nil {
		return err
	}
	if err := m.mendEvents(ctx); err != nil {
		return err
	}
	if err := m.db.QueryRowContext(ctx, highestSeq).Scan(&m.seq); err != nil {
		return err
	}
	m.seq += seqGap
	if err := m.settleStale(ctx); err != nil {
		return err
	}
	if err := m.mendJobs(ctx); err != nil {
		return err
	}
	m.report.Touched, m.report.TouchedIDs = int64(len(m.touched)), namingJobs(m.touched)
	if err := m.nameSilent(ctx); err != nil {
		return err
	}
	return m.mendRest(ctx, c)
}

// seqGap is more than a commit numbers: transitions that were lost keep theirs.
const seqGap = 1_000_000

const highestSeq = `SELECT max(ifnull((SELECT max(seq) FROM results), 0), ifnull((SELECT max(seq) FROM tasks), 0),
	ifnull((SELECT max(seq) FROM progress), 0), ifnull((SELECT max(seq) FROM ledger), 0), ifnull((SELECT max(last) FROM events), 0))`

// nonsense is rows that no program has written.
type nonsense struct{ table, key, where string }

func (n *nonsense) drop() string { return fmt.Sprintf(`DELETE FROM %s WHERE %s`, n.table, n.where) }

var impossible = []nonsense{
	{"jobs", "id", fmt.Sprintf(`id NOT BETWEEN 1 AND %d`, int64(maxJob))},
	{"progress", "job", `min(queued, assigned, running, completed, failed, timed_out, cancelled, ended_at) < 0 OR state NOT BETWEEN 0 AND 7`},
	{"tasks", "id", `id < 1 << 30 OR state NOT BETWEEN 1 AND 7 OR attempt < 0 OR attempt = 0 AND state IN (2, 3)`},
	{"results", "seq", `task < 1 << 30 OR state NOT BETWEEN 4 AND 7 OR attempt < 1 OR late_state NOT BETWEEN 0 AND 7 OR min(stored, stdout, stderr) < 0`},
}

func (m *mender) exec(ctx context.Context, statements ...string) error {
	for _, text := range statements {
		if _, err := m.db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// dropUnreadable drops rows whose texts cannot be read: nothing could be loaded
// while they are there.
func (m *mender) dropUnreadable(ctx context.Context) error {
	for _, t := range texts {
		bad, err := t.unreadable(ctx, m.db)
		if err != nil {
			return err
		}
		for _, key := range bad {
			if _, err := m.db.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %s WHERE %s = ?`, t.table, t.key), key); err != nil {
				return err
			}
		}
	}
	return nil
}

// text is what is read of texts in a table.
type text struct {
	table, key, columns string
	first               any // comes before every key
	fields              func() []any
}

var texts = []text{
	{"jobs", "id", "elements", math.MinInt64, func() []any { return []any{&elements{}} }},
	{"progress", "job", "unclaimed, dropped", math.MinInt64, func() []any { return []any{&elements{empty: true}, &elements{empty: true}} }},
	{"workers", "id", workerColumns, "", func() []any { return workerFields(new(octaskly.Worker)) }},
}

// elements scans ranges that can be worked with.
type elements struct {
	empty bool // may be
}

// Scan implements sql.Scanner.
func (e *elements) Scan(value any) error {
	var set octaskly.Ranges
	if err := (ranges{&set}).Scan(value); err != nil {
		return err
	}
	if len(set) == 0 && !e.empty || !set.Valid() || set.Count() > octaskly.MaxElements {
		return fmt.Errorf("cannot use ranges %.70v", set)
	}
	return nil
}

// textRows are read between two looks at the context: with one that can end,
// each row costs ten times as much.
const textRows = 10_000

// unreadable lists the keys of the rows that cannot be scanned.
func (t *text) unreadable(ctx context.Context, db *sql.DB) (keys []any, err error) {
	for after, n := t.first, textRows; n == textRows && err == nil; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var some []any
		some, after, n, err = t.some(context.WithoutCancel(ctx), db, after)
		keys = append(keys, some...)
	}
	return keys, err
}

// some looks at the rows after one. It returns the last, and how many there are.
func (t *text) some(ctx context.Context, db *sql.DB, after any) (keys []any, key any, n int, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`SELECT %[1]s, %[2]s FROM %[3]s AS %.1[3]s WHERE %[1]s > ? ORDER BY %[1]s LIMIT %[4]d`,
		t.key, t.columns, t.table, textRows), after)
	if err != nil {
		return nil, nil, 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		into := append([]any{&key}, t.fields()...)
		if rows.Scan(into...) != nil {
			if err := rows.Scan(append([]any{&key}, blanks(len(into)-1)...)...); err != nil {
				return nil, nil, 0, err
			}
			keys = append(keys, key)
		}
	}
	return keys, key, n, rows.Err()
}

func blanks(n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = new(any)
	}
	return all
}

// dropLost drops what belongs to jobs that are not there, and says which these
// are.
func (m *mender) dropLost(ctx context.Context) error {
	scan := func(id *octaskly.JobID) []any { return []any{id} }
	undone, err := list(ctx, m.db, scan, undoneJobs)
	if err != nil {
		return err
	}
	lost, err := list(ctx, m.db, scan, lostJobs)
	if err != nil {
		return err
	}
	m.report.Undone, m.report.UndoneIDs = int64(len(undone)), namingJobs(undone)
	m.report.Lost, m.report.LostIDs = int64(len(lost)), namingJobs(lost)
	return m.exec(ctx,
		`DELETE FROM progress WHERE job NOT IN (SELECT id FROM jobs)`,
		`DELETE FROM tasks WHERE job NOT IN (SELECT id FROM jobs)`,
		`DELETE FROM results WHERE job NOT IN (SELECT id FROM jobs)`)
}

// Of jobs that are not there it may be known that they were not over.
const (
	undoneJobs = `SELECT job FROM progress WHERE NOT gone AND ended_at = 0 AND job NOT IN (SELECT id FROM jobs) ORDER BY job`
	lostJobs   = `SELECT job FROM (SELECT job FROM progress WHERE ended_at > 0 UNION SELECT job FROM tasks UNION SELECT job FROM results)
		WHERE job NOT IN (SELECT id FROM jobs) AND job NOT IN (SELECT job FROM progress WHERE gone OR ended_at = 0) ORDER BY job`
)

// mendRest mends what no job owns.
func (m *mender) mendRest(ctx context.Context, c *copier) error {
	err := m.exec(ctx,
		`UPDATE tasks SET state = 1 WHERE state IN (2, 3) AND worker = ''`,
		// Whoever has a task must be known; it will introduce itself.
		`INSERT INTO workers (id, name, version, slots, room, features, address, seen_at)
			SELECT DISTINCT worker, worker, '', 0, 'null', 'null', '', 0 FROM tasks
			WHERE state IN (2, 3) AND worker NOT IN (SELECT id FROM workers)`,
		fmt.Sprintf(`UPDATE ledger SET seq = %d, queued = -1, live = -1`, m.seq))
	if err != nil {
		return err
	}
	if !c.ledger {
		t := &m.totals
		if _, err := m.db.ExecContext(ctx, `UPDATE ledger SET completed = ?, failed = ?, timed_out = ?, cancelled = ?`,
			t[octaskly.Completed], t[octaskly.Failed], t[octaskly.TimedOut], t[octaskly.Cancelled]); err != nil {
			return err
		}
	}
	if err := m.mendAudit(ctx, c); err != nil {
		return err
	}
	// Which jobs read what is in their specs, too.
	_, err = m.db.ExecContext(ctx, `INSERT OR REPLACE INTO meta SELECT 'unlisted', ifnull(max(id), 0) FROM jobs`)
	return err
}
