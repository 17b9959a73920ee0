package store

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Record is a job, how far it is, and the row of a plain job's single task if
// that has left the queue. All of it was so at the same time.
type Record struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Task     *octaskly.Task
}

const (
	recordColumns = jobColumns + `, ` + progressColumns + `, ` + singleColumns
	singleTask    = ` LEFT JOIN tasks t ON t.id = j.id << 30 AND NOT j.array`
)

func recordFields(r *Record) []any {
	r.Task = new(octaskly.Task)
	return slices.Concat(jobFields(&r.Job), progressFields(&r.Progress), taskFields(r.Task))
}

// tidy drops a task that was not there.
func (r *Record) tidy() {
	if r.Task.State == 0 {
		r.Task = nil
	}
}

// Job finds a job by its id.
func (s *Store) Job(ctx context.Context, id octaskly.JobID) (*Record, error) {
	r := new(Record)
	if err := s.readers.job.QueryRowContext(ctx, int64(id)).Scan(recordFields(r)...); err != nil {
		return nil, unreadable(ctx, err)
	}
	r.tidy()
	return r, nil
}

// Query chooses jobs.
type Query struct {
	Owner  string           // empty: everyone's
	IDs    octaskly.Ranges  // nil: all
	States []octaskly.State // none: all
	Live   bool             // those that are not over
	Ended  bool             // those that are; both or neither: all
	Before octaskly.JobID   // older than this one; 0: all
	Limit  int
}

// Jobs lists the jobs that q chooses, newest first.
func (s *Store) Jobs(ctx context.Context, q Query) ([]Record, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	defer tx.Rollback()
	records, err := q.run(ctx, tx)
	return records, unreadable(ctx, err)
}

// run asks for one range of ids after the other: any number of them is well.
func (q *Query) run(ctx context.Context, tx *sql.Tx) (records []Record, err error) {
	stmt, err := tx.PrepareContext(ctx, q.text())
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	for _, r := range slices.Backward(q.spans()) {
		rows, err := stmt.QueryContext(ctx, q.args(r, q.Limit-len(records))...)
		some, err := collect(rows, err, recordFields)
		if err != nil {
			return nil, err
		}
		if records = append(records, some...); len(records) >= q.Limit {
			break
		}
	}
	for i := range records {
		records[i].tidy()
	}
	return records, nil
}

func (q *Query) spans() octaskly.Ranges {
	if q.IDs == nil {
		return octaskly.Span(1, math.MaxInt64)
	}
	return q.IDs
}

// text asks for the jobs of one range. CROSS JOIN keeps SQLite to the order of
// the tables: by owner there is an index, and of the jobs that are not over
// another; where neither helps, rows of progress are narrow.
func (q *Query) text() string {
	from, id := `progress p CROSS JOIN jobs j ON j.id = p.job`, `p.job`
	if q.Owner != "" && !q.onlyLive() {
		from, id = `jobs j CROSS JOIN progress p ON p.job = j.id`, `j.id`
	}
	text := `SELECT ` + recordColumns + ` FROM ` + from + singleTask + ` WHERE ` + id + ` BETWEEN ?1 AND ?2 AND (` + id + ` - ?1) % ?3 = 0`
	switch {
	case q.onlyLive():
		text += ` AND p.ended_at = 0`
	case q.Ended && !q.Live:
		text += ` AND p.ended_at > 0`
	}
	if q.Owner != "" {
		text += ` AND j.owner = ?5`
	}
	if len(q.States) > 0 {
		text += ` AND p.state IN (` + numbers(q.States) + `)`
	}
	return text + ` ORDER BY ` + id + ` DESC LIMIT ?4`
}

func (q *Query) onlyLive() bool { return q.Live && !q.Ended }

// args are those of text.
func (q *Query) args(r octaskly.Range, limit int) []any {
	hi := r.Hi
	if q.Before > 0 {
		hi = min(hi, int64(q.Before)-1)
	}
	args := []any{r.Lo, hi, r.Step, max(limit, 0)}
	if q.Owner != "" {
		args = append(args, q.Owner)
	}
	return args
}
