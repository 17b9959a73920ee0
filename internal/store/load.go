package store

import (
	"context"

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
// queue and not ended.
type LiveJob struct {
	Job      octaskly.Job
	Progress octaskly.Progress
	Tasks    []octaskly.Task
}

// Load reads all that is not over.
func (s *Store) Load(ctx context.Context) (*Snapshot, error) {
	snapshot := new(Snapshot)
	t := &snapshot.Totals
	err := s.readers.QueryRowContext(ctx, `SELECT seq, completed, failed, timed_out, cancelled FROM ledger`).
		Scan(&snapshot.Seq, &t[octaskly.Completed], &t[octaskly.Failed], &t[octaskly.TimedOut], &t[octaskly.Cancelled])
	if err != nil {
		return nil, err
	}
	if snapshot.Workers, err = list(ctx, s.readers, scanWorker, `SELECT * FROM workers`); err != nil {
		return nil, err
	}
	snapshot.Live, err = list(ctx, s.readers, scanLive, fromJobs+`WHERE p.ended_at = 0 ORDER BY p.job`)
	if err != nil {
		return nil, err
	}
	for i := range snapshot.Live {
		if err := s.loadTasks(ctx, &snapshot.Live[i]); err != nil {
			return nil, err
		}
	}
	return snapshot, nil
}

func scanLive(r row, l *LiveJob) error { return scanJob(r, &l.Job, &l.Progress) }

// loadTasks reads the tasks of a job that are not over, if its counters say
// that there are any.
func (s *Store) loadTasks(ctx context.Context, l *LiveJob) (err error) {
	r := &l.Progress.Rows
	if r[octaskly.Queued]+r[octaskly.Assigned]+r[octaskly.Running] > 0 {
		query := `SELECT ` + taskColumns + ` FROM tasks t WHERE t.id BETWEEN ? AND ? AND t.state < ? ORDER BY t.id`
		l.Tasks, err = list(ctx, s.readers, scanTask, query,
			taskKey(l.Job.ID, 0), taskKey(l.Job.ID, octaskly.MaxIndex), int64(octaskly.Completed))
	}
	return err
}
