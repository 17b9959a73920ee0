package store

import (
	"context"
	"database/sql"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Snapshot is what a dispatcher takes into memory when it starts.
type Snapshot struct {
	Live    []LiveJob // oldest first
	Workers []octaskly.Worker
	Seq     int64
	Totals  octaskly.Counts // tasks that have ended
}

// LiveJob is a job that is not over, with those of its tasks that have left the
// queue and not ended, by index.
type LiveJob struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Tasks    []octaskly.Task
}

// Load reads all that is not over.
func (s *Store) Load(ctx context.Context) (*Snapshot, error) {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, unreadable(ctx, err)
	}
	defer tx.Rollback()
	snapshot := new(Snapshot)
	if err := snapshot.read(ctx, tx); err != nil {
		return nil, unreadable(ctx, err)
	}
	return snapshot, nil
}

const (
	liveJobs = `SELECT ` + jobColumns + `, ` + progressColumns + `
		FROM progress p CROSS JOIN jobs j ON j.id = p.job WHERE p.ended_at = 0 ORDER BY p.job`
	// The counters say which jobs to search.
	liveTasks = `SELECT ` + taskColumns + `
		FROM progress p CROSS JOIN tasks t ON t.id BETWEEN p.job << 30 AND (p.job << 30) + 1073741823
		WHERE p.ended_at = 0 AND p.queued + p.assigned + p.running > 0 AND t.state < 4 ORDER BY p.job, t.id`
)

func (s *Snapshot) read(ctx context.Context, tx *sql.Tx) (err error) {
	var l ledger
	if err := l.read(ctx, tx); err != nil {
		return err
	}
	s.Seq, s.Totals = l.seq, l.totals
	if s.Workers, err = list(ctx, tx, workerFields, `SELECT `+workerColumns+` FROM workers w`); err != nil {
		return err
	}
	if s.Live, err = list(ctx, tx, liveFields, liveJobs); err != nil {
		return err
	}
	tasks, err := list(ctx, tx, taskFields, liveTasks)
	s.distribute(tasks)
	return err
}

func liveFields(l *LiveJob) []any { return append(jobFields(&l.Job), progressFields(&l.Progress)...) }

// distribute gives tasks to their jobs; both are in the order of the jobs.
func (s *Snapshot) distribute(tasks []octaskly.Task) {
	for i := range s.Live {
		l, n := &s.Live[i], 0
		for n < len(tasks) && tasks[n].Job == l.Job.ID {
			n++
		}
		if n > 0 {
			l.Tasks, tasks = tasks[:n:n], tasks[n:]
		}
	}
}
