package dispatcher

import (
	"context"

	"github.com/octaskly/octaskly/internal/metrics"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Metrics writes what the dispatcher knows and has counted. It asks the core what
// Stats asks it, and how workers are.
func (d *Dispatcher) Metrics(ctx context.Context, p *metrics.Page) error {
	stats, err := d.sum(ctx, "")
	if err != nil {
		return err
	}
	workers, err := d.countWorkers(ctx)
	if err != nil {
		return err
	}
	var tasks []metrics.Sample
	for _, s := range octaskly.States {
		tasks = append(tasks, metrics.Of(stats.Tasks[s.String()], "state", s.String()))
	}
	p.Gauge("octaskly_tasks", "Tasks by state; those that have ended since there is a database.", tasks...)
	p.Gauge("octaskly_jobs_live", "Jobs that are not over.", metrics.Of(stats.Jobs))
	p.Gauge("octaskly_database_size_bytes", "Size of the database on disk.", metrics.Of(stats.Database))
	p.Gauge("octaskly_output_size_bytes", "Size of outputs in files.", metrics.Of(stats.Output))
	p.Gauge("octaskly_inputs_size_bytes", "Size of uploaded inputs.", metrics.Of(stats.Inputs))
	p.Counter("octaskly_jobs_collected_total", "Jobs that are no longer kept.", metrics.Of(stats.Removed))
	p.Gauge("octaskly_slots", "Slots of connected workers.", metrics.Of(stats.Slots))
	p.Gauge("octaskly_slots_busy", "Slots of connected workers that have a task.", metrics.Of(stats.Busy))
	workers.write(p)
	d.meter.write(p)
	return nil
}

// roll is how many workers there are.
type roll struct {
	states  map[string]int
	drained int
}

// workerStates are all that worker.state says.
var workerStates = []string{"connected", "stopping", "away", "left", "lost"}

func (d *Dispatcher) countWorkers(ctx context.Context) (roll, error) {
	return consult(ctx, d, func(c *core) (roll, error) {
		all := roll{states: map[string]int{}}
		for _, w := range c.workers {
			all.states[w.state()]++
			if w.Drain != nil {
				all.drained++
			}
		}
		return all, nil
	})
}

func (c roll) write(p *metrics.Page) {
	var states []metrics.Sample
	for _, s := range workerStates {
		states = append(states, metrics.Of(c.states[s], "state", s))
	}
	p.Gauge("octaskly_workers", "Known workers by state.", states...)
	p.Gauge("octaskly_workers_drained", "Known workers that are given nothing new.", metrics.Of(c.drained))
}

func (m *meter) write(p *metrics.Page) {
	count := func(name, help string, c *metrics.Counter) { p.Counter(name, help, metrics.Of(c.Value())) }
	count("octaskly_jobs_submitted_total", "Jobs that were accepted.", &m.submitted)
	p.Counter("octaskly_tasks_ended_total", "Tasks that have ended, by how and the kind of reason.", m.endings()...)
	p.Histogram("octaskly_task_wait_seconds", "Time from a submission until a task of it runs for the first time.", m.waited)
	p.Histogram("octaskly_task_run_seconds", "Time that commands ran.", m.ran)
	p.Histogram("octaskly_store_commit_seconds", "Time that a commit of the queue took.", m.commit)
	p.Histogram("octaskly_store_commit_rows", "Rows that a commit of the queue wrote.", m.rows)
	over := m.over.Value() // first: every session that is over has begun
	p.Gauge("octaskly_sessions", "Sessions with workers that are open.", metrics.Of(m.sessions.Value()-over))
	count("octaskly_sessions_started_total", "Sessions with workers that have begun.", &m.sessions)
	count("octaskly_workers_lost_total", "Times that a worker was silent for a lease.", &m.lost)
	p.Counter("octaskly_session_received_bytes_total", "Bytes that have come from workers.",
		metrics.Of(m.control.in.Value(), "channel", "control"), metrics.Of(m.bulk.in.Value(), "channel", "bulk"))
	p.Counter("octaskly_session_sent_bytes_total", "Bytes that were sent to workers.",
		metrics.Of(m.control.out.Value(), "channel", "control"), metrics.Of(m.bulk.out.Value(), "channel", "bulk"))
}

// endings are the usual ways to end, and what else there was.
func (m *meter) endings() (list []metrics.Sample) {
	usual := map[octaskly.State]string{octaskly.Completed: "none", octaskly.TimedOut: "timeout", octaskly.Cancelled: "cancelled"}
	for _, s := range octaskly.States {
		for i, class := range endClasses {
			n := m.ended[s][i].Value()
			failure := s == octaskly.Failed && class != "none" && class != "timeout" && class != "cancelled"
			if n > 0 || failure || usual[s] == class {
				list = append(list, metrics.Of(n, "state", s.String(), "reason", class))
			}
		}
	}
	return list
}
