package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// mendBatch is how many jobs are looked at together.
const mendBatch = 1000

// mendJobs goes through all jobs.
func (m *mender) mendJobs(ctx context.Context) error {
	for after := octaskly.JobID(0); ; {
		jobs, err := list(ctx, m.db, damagedFields, damagedJobs, int64(after), mendBatch)
		if err != nil || len(jobs) == 0 {
			return err
		}
		first := after + 1
		after = jobs[len(jobs)-1].id
		counts, err := m.count(ctx, first, after)
		if err != nil {
			return err
		}
		for i := range jobs {
			j := &jobs[i]
			if j.rows = counts[j.id]; !j.agrees() {
				if err := m.mend(ctx, j); err != nil {
					return err
				}
			}
			if !j.gone {
				m.total(j)
			}
		}
	}
}

// damagedJob is a job that may be damaged.
type damagedJob struct {
	id       octaskly.JobID
	elements octaskly.Ranges
	known    bool // its progress is there
	gone     bool
	octaskly.Progress
	rows octaskly.Counts // that are there
}

const damagedJobs = `SELECT j.id, j.elements, p.job IS NOT NULL, ifnull(p.gone, 0),
	ifnull(p.unclaimed, ''), ifnull(p.dropped, ''), ifnull(p.queued, 0), ifnull(p.assigned, 0), ifnull(p.running, 0),
	ifnull(p.completed, 0), ifnull(p.failed, 0), ifnull(p.timed_out, 0), ifnull(p.cancelled, 0),
	ifnull(p.cancel_reason, ''), ifnull(p.ended_at, 0), ifnull(p.seq, 0)
	FROM jobs j LEFT JOIN progress p ON p.job = j.id WHERE j.id > ? ORDER BY j.id LIMIT ?`

func damagedFields(j *damagedJob) []any {
	return append([]any{&j.id, ranges{&j.elements}, &j.known, &j.gone}, progressFields(&j.Progress)...)
}

// agrees reports whether a job's progress tells of the rows that are there.
func (j *damagedJob) agrees() bool {
	c := j.Count()
	return j.gone || j.known && j.Rows == j.rows && c.Total() == j.elements.Count() && c.Over() == !j.EndedAt.IsZero()
}

// count counts the tasks of jobs by their states.
func (m *mender) count(ctx context.Context, from, to octaskly.JobID) (map[octaskly.JobID]octaskly.Counts, error) {
	type group struct {
		job   octaskly.JobID
		state octaskly.State
		n     int64
	}
	groups, err := list(ctx, m.db, func(g *group) []any { return []any{&g.job, &g.state, &g.n} },
		`SELECT job, state, count(*) FROM tasks WHERE id BETWEEN ? AND ? GROUP BY job, state`, int64(from)<<indexBits, int64(to)<<indexBits|maxIndex)
	counts := map[octaskly.JobID]octaskly.Counts{}
	for _, g := range groups {
		c := counts[g.job]
		c[g.state] = g.n
		counts[g.job] = c
	}
	return counts, err
}

// total adds a job to the totals of what is over.
func (m *mender) total(j *damagedJob) {
	c := j.Count()
	for _, s := range octaskly.States {
		if s.Terminal() {
			m.totals[s] += c[s]
		}
	}
}

// mend makes a job's progress anew.
func (m *mender) mend(ctx context.Context, j *damagedJob) error {
	have, err := m.indices(ctx, j)
	if err != nil {
		return err
	}
	dropped, _ := j.elements.Divide(j.Dropped)
	dropped = dropped.Minus(have)
	missing := j.elements.Minus(have).Minus(dropped)
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if missing, err = m.rebuild(ctx, tx, j, missing); err != nil {
		return err
	}
	j.Dropped = dropped
	if err := m.decide(ctx, tx, j, missing); err != nil {
		return err
	}
	if err := m.write(ctx, tx, j); err != nil {
		return err
	}
	m.touched = append(m.touched, j.id)
	return tx.Commit()
}

// indices are those elements that have a row. Rows of what is no element are
// dropped.
func (m *mender) indices(ctx context.Context, j *damagedJob) (have octaskly.Ranges, err error) {
	first := int64(j.id) << indexBits
	rows, err := list(ctx, m.db, func(i *octaskly.Index) []any { return []any{i} },
		`SELECT idx FROM tasks WHERE id BETWEEN ? AND ? ORDER BY id`, first, first|maxIndex)
	if err != nil {
		return nil, err
	}
	strange := 0
	for _, i := range rows {
		if !j.elements.Contains(i) {
			if _, err := m.db.ExecContext(ctx, `DELETE FROM tasks WHERE id = ?`, first|i); err != nil {
				return nil, err
			}
			strange++
			continue
		}
		have = appendIndex(have, i)
	}
	if strange > 0 {
		counts, err := m.count(ctx, j.id, j.id)
		if err != nil {
			return nil, err
		}
		j.rows = counts[j.id]
	}
	return have, nil
}

// appendIndex adds an index that is higher than all in the set.
func appendIndex(set octaskly.Ranges, i octaskly.Index) octaskly.Ranges {
	if n := len(set); n > 0 && set[n-1].Step == 1 && set[n-1].Hi+1 == i {
		set[n-1].Hi = i
		return set
	}
	return append(set, octaskly.Range{Lo: i, Hi: i, Step: 1})
}

// rebuild makes the rows of tasks of which there are results. It returns those
// elements of which there is none.
func (m *mender) rebuild(ctx context.Context, tx *sql.Tx, j *damagedJob, missing octaskly.Ranges) (octaskly.Ranges, error) {
	if len(missing) == 0 {
		return nil, nil
	}
	first := int64(j.id) << indexBits
	latest, err := list(ctx, tx, resultFields,
		`SELECT `+resultColumns+` FROM results r WHERE r.task BETWEEN ? AND ?
			AND r.task NOT IN (SELECT id FROM tasks WHERE id BETWEEN ?1 AND ?2)
			AND r.attempt = (SELECT max(attempt) FROM results WHERE task = r.task) ORDER BY r.task`, first, first|maxIndex)
	if err != nil {
		return nil, err
	}
	var found octaskly.Ranges
	for i := range latest {
		a := &latest[i]
		if !missing.Contains(a.ID.Index) {
			continue
		}
		found = appendIndex(found, a.ID.Index)
		t := &octaskly.Task{Job: j.id, Index: a.ID.Index}
		m.settle(t, a)
		if over := !j.EndedAt.IsZero(); over && !t.State.Terminal() {
			t.State, _ = j.fate()
			t.EndedAt = j.EndedAt
		}
		if err := m.put(ctx, tx, j, t); err != nil {
			return nil, err
		}
		m.report.Rebuilt++
	}
	return missing.Minus(found), nil
}

// decide says what becomes of elements of which there is neither a row nor a
// result. Those of a job that is over do not run again, nor do those that are
// known to have ended: their number is in the job's progress.
func (m *mender) decide(ctx context.Context, tx *sql.Tx, j *damagedJob, missing octaskly.Ranges) error {
	switch {
	case len(missing) == 0:
		j.Unclaimed = nil
		return nil
	case m.doubts[j.id] && !j.known:
		j.Unclaimed, j.Dropped, j.CancelReason = nil, j.Dropped.Union(missing), lostReason
		m.report.Guessed += missing.Count()
		return nil
	}
	var had octaskly.Ranges // a row
	waited := octaskly.Ranges(nil)
	if j.known {
		waited, had = missing.Divide(j.Unclaimed)
	}
	state, sure := j.fate()
	if n := had.Count(); n > 0 && (sure || !j.EndedAt.IsZero()) {
		j.Unclaimed = waited
		m.report.Guessed += n
		return m.conclude(ctx, tx, j, had, state)
	}
	j.Unclaimed = missing
	m.report.Again += missing.Minus(waited).Count()
	return nil
}

// lostReason is said of what is not known any more.
const lostReason = "how it ended was lost with a damaged database"

// fate is the state of all tasks whose rows are lost, and whether that is sure.
func (j *damagedJob) fate() (state octaskly.State, sure bool) {
	var missing []octaskly.State
	for _, s := range octaskly.States {
		if j.Rows[s] > j.rows[s] {
			missing = append(missing, s)
		}
	}
	if len(missing) == 1 && missing[0].Terminal() {
		return missing[0], true
	}
	return octaskly.Failed, false
}

// conclude makes rows of tasks that have ended.
func (m *mender) conclude(ctx context.Context, tx *sql.Tx, j *damagedJob, ended octaskly.Ranges, state octaskly.State) (err error) {
	at := j.EndedAt
	if at.IsZero() {
		at = m.now
	}
	ended.Each(func(i octaskly.Index) bool {
		m.seq++
		t := &octaskly.Task{Job: j.id, Index: i, State: state, Attempt: 1, Detail: lostReason, EndedAt: at, Seq: m.seq}
		if state == octaskly.Failed {
			t.Reason = octaskly.ReasonDamage
		}
		err = m.put(ctx, tx, j, t)
		return err == nil
	})
	return err
}

// write writes a job's progress.
func (m *mender) write(ctx context.Context, tx *sql.Tx, j *damagedJob) error {
	j.Rows = j.rows
	m.seq++
	j.Seq = m.seq
	over := j.Count().Over()
	switch {
	case !over:
		j.EndedAt = fromMicros(0)
	case j.EndedAt.IsZero():
		j.EndedAt = m.now
	}
	return execRow(ctx, tx, `INSERT OR REPLACE INTO progress VALUES `, 15, &ProgressRow{j.id, j.Progress}, addProgress)
}

// put writes a task's row and counts it.
func (m *mender) put(ctx context.Context, tx *sql.Tx, j *damagedJob, t *octaskly.Task) error {
	j.rows[t.State]++
	return execRow(ctx, tx, `INSERT OR REPLACE INTO tasks VALUES `, 15, t, addTask)
}

// execRow writes a row with the values that add gives.
func execRow[T any](ctx context.Context, tx *sql.Tx, text string, columns int, row *T, add func(*statement, *T) error) error {
	s := &statement{}
	if err := add(s, row); err != nil {
		return err
	}
	args := make([]any, len(s.args))
	for i := range s.args {
		args[i] = s.args[i].Value
	}
	_, err := tx.ExecContext(ctx, text+rowsOf(columns, 1), args...)
	return err
}

// settleStale settles tasks of which a result tells more than their own row.
func (m *mender) settleStale(ctx context.Context) error {
	stale, err := list(ctx, m.db, func(s *staleTask) []any {
		return slices.Concat(taskFields(&s.task), resultFields(&s.latest))
	}, `SELECT `+taskColumns+`, `+resultColumns+` FROM tasks t JOIN results r ON r.task = t.id
		WHERE t.state < 4 AND (r.attempt > t.attempt OR r.attempt = t.attempt AND t.state IN (2, 3)) ORDER BY t.id, r.attempt`)
	if err != nil || len(stale) == 0 {
		return err
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range stale {
		s := &stale[i]
		m.settle(&s.task, &s.latest)
		if err := execRow(ctx, tx, `INSERT OR REPLACE INTO tasks VALUES `, 15, &s.task, addTask); err != nil {
			return err
		}
		m.report.Rebuilt++
	}
	return tx.Commit()
}

type staleTask struct {
	task   octaskly.Task
	latest octaskly.Attempt
}

// settle makes of a task what its latest result says.
func (m *mender) settle(t *octaskly.Task, a *octaskly.Attempt) {
	m.seq++
	t.Attempt, t.Worker, t.AssignedAt, t.StartedAt, t.Seq = a.ID.Number, a.Worker, a.AssignedAt, a.End.StartedAt, m.seq
	t.Reason, t.Detail, t.Cancel = a.End.Reason, a.End.Detail, false
	t.NotBefore, t.LostAt = fromMicros(0), fromMicros(0)
	switch t.Reason {
	case octaskly.ReasonWorkerLost, octaskly.ReasonReleased, octaskly.ReasonLease:
		t.State, t.EndedAt = octaskly.Queued, fromMicros(0)
		return
	}
	t.State, t.EndedAt = a.End.State, a.End.EndedAt
	if t.EndedAt.IsZero() {
		t.EndedAt = m.now
	}
}
