package store

import (
	"context"
	"database/sql"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Snapshot is what a dispatcher takes into memory when it starts. The jobs that
// rest it reads by and by, with Resting.
type Snapshot struct {
	Touched []LiveJob // those that do not rest, oldest first
	Workers []octaskly.Worker
	Seq     int64
	Totals  octaskly.Counts // tasks that have ended
	Queued  int64           // tasks that wait
	Live    int64           // jobs that are not over
	Last    octaskly.JobID  // the latest of these; 0: there is none
}

// LiveJob is a job that is not over, with those of its tasks that have left the
// queue and not ended, by index. One without such tasks rests.
type LiveJob struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Tasks    []octaskly.Task
}

// Load reads all that is not over and does not rest. A database that something
// has spoken of as damaged is looked at first, and salvaged.
func (s *Store) Load(ctx context.Context) (*Snapshot, error) {
	if err := s.heal(ctx); err != nil {
		return nil, err
	}
	snapshot, err := s.load(ctx)
	if isDamage(err) {
		if err := s.heal(ctx); err != nil {
			return nil, err
		}
		return s.load(ctx)
	}
	return snapshot, err
}

func (s *Store) load(ctx context.Context) (*Snapshot, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.unreadable(ctx, err)
	}
	defer tx.Rollback()
	snapshot := new(Snapshot)
	if err := snapshot.read(ctx, tx); err != nil {
		return nil, s.unreadable(ctx, err)
	}
	return snapshot, nil
}

const (
	touched     = ` p.ended_at = 0 AND p.queued + p.assigned + p.running > 0 `
	touchedJobs = `SELECT ` + jobColumns + `, ` + progressColumns + `
		FROM progress p CROSS JOIN jobs j ON j.id = p.job WHERE` + touched + `ORDER BY p.job`
	liveTasks = `SELECT ` + taskColumns + `
		FROM progress p CROSS JOIN tasks t ON t.id BETWEEN p.job << 30 AND (p.job << 30) + 1073741823
		WHERE` + touched + `AND t.state < 4 ORDER BY p.job, t.id`
	lastLive = `SELECT ifnull(max(job), 0) FROM progress WHERE ended_at = 0`
)

func (s *Snapshot) read(ctx context.Context, tx *sql.Tx) (err error) {
	var l ledger
	if err := l.read(ctx, tx); err != nil {
		return err
	}
	s.Seq, s.Totals, s.Queued, s.Live = l.seq, l.totals, l.queued, l.live
	if s.Queued < 0 || s.Live < 0 {
		if s.Queued, s.Live, err = countLive(ctx, tx); err != nil {
			return err
		}
	}
	if s.Workers, err = list(ctx, tx, workerFields, `SELECT `+workerColumns+` FROM workers w`); err != nil {
		return err
	}
	if s.Touched, err = list(ctx, tx, liveFields, touchedJobs); err != nil {
		return err
	}
	tasks, err := list(ctx, tx, taskFields, liveTasks)
	if err != nil {
		return err
	}
	s.distribute(tasks)
	return tx.QueryRowContext(ctx, lastLive).Scan(&s.Last)
}

func liveFields(l *LiveJob) []any { return append(jobFields(&l.Job), progressFields(&l.Progress)...) }

// distribute gives tasks to their jobs; both are in the order of the jobs.
func (s *Snapshot) distribute(tasks []octaskly.Task) {
	for i := range s.Touched {
		l, n := &s.Touched[i], 0
		for n < len(tasks) && tasks[n].Job == l.Job.ID {
			n++
		}
		if n > 0 {
			l.Tasks, tasks = tasks[:n:n], tasks[n:]
		}
	}
}

// countLive counts what a ledger of an older schema does not say.
func countLive(ctx context.Context, tx *sql.Tx) (queued, live int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT unclaimed, queued FROM progress WHERE ended_at = 0`)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var unclaimed octaskly.Ranges
		var again int64
		if err := rows.Scan(ranges{&unclaimed}, &again); err != nil {
			return 0, 0, err
		}
		queued, live = queued+unclaimed.Count()+again, live+1
	}
	return queued, live, rows.Err()
}
