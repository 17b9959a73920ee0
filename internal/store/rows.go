package store

import (
	"database/sql"
	"encoding/json"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// row is what *sql.Row and *sql.Rows have in common.
type row interface{ Scan(...any) error }

const (
	jobColumns      = `j.id, j.owner, j.name, j.spec_version, j.spec, j.elements, j.array, j.at_once, j.key, j.submitted_at`
	progressColumns = `p.unclaimed, p.dropped, p.queued, p.assigned, p.running, p.completed, p.failed, p.timed_out,
		p.cancelled, p.cancel_reason, p.ended_at, p.seq`
	taskColumns = `t.job, t.idx, t.state, t.attempt, t.failures, t.losses, t.worker, t.cancel, t.reason, t.detail,
		t.not_before, t.assigned_at, t.started_at, t.ended_at, t.seq`
	resultColumns = `r.seq, r.job, r.idx, r.attempt, r.worker, r.state, r.reason, r.detail, r.assigned_at, r.started_at,
		r.ended_at, r.cpu_time, r.max_rss, r.leftover, r.stored, r.stdout, r.stderr, r.discarded`
)

// scanJob reads jobColumns and progressColumns.
func scanJob(r row, j *octaskly.Job, p *octaskly.Progress) error {
	var elements, unclaimed, dropped string
	var key sql.NullString
	var submitted, ended int64
	c := &p.Rows
	err := r.Scan(&j.ID, &j.Owner, &j.Name, &j.SpecVersion, &j.Spec, &elements, &j.Array, &j.AtOnce, &key, &submitted,
		&unclaimed, &dropped, &c[octaskly.Queued], &c[octaskly.Assigned], &c[octaskly.Running], &c[octaskly.Completed],
		&c[octaskly.Failed], &c[octaskly.TimedOut], &c[octaskly.Cancelled], &p.CancelReason, &ended, &p.Seq)
	if err != nil {
		return err
	}
	j.Key, j.SubmittedAt, p.EndedAt = key.String, fromMicros(submitted), fromMicros(ended)
	for set, text := range map[*octaskly.Ranges]string{&j.Elements: elements, &p.Unclaimed: unclaimed, &p.Dropped: dropped} {
		if err := set.UnmarshalText([]byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func scanTask(r row, t *octaskly.Task) error {
	var notBefore, assigned, started, ended int64
	err := r.Scan(&t.Job, &t.Index, &t.State, &t.Attempt, &t.Failures, &t.Losses, &t.Worker, &t.Cancel, &t.Reason, &t.Detail,
		&notBefore, &assigned, &started, &ended, &t.Seq)
	t.NotBefore, t.AssignedAt, t.StartedAt, t.EndedAt = fromMicros(notBefore), fromMicros(assigned), fromMicros(started), fromMicros(ended)
	return err
}

func scanResult(r row, a *octaskly.Attempt) error {
	var assigned, started, ended int64
	e := &a.End
	err := r.Scan(&a.Seq, &a.ID.Job, &a.ID.Index, &a.ID.Number, &a.Worker, &e.State, &e.Reason, &e.Detail, &assigned, &started,
		&ended, &e.CPUTime, &e.MaxRSS, &e.Leftover, &e.Output.Stored, &e.Output.Stdout, &e.Output.Stderr, &e.Output.Discarded)
	a.AssignedAt, e.StartedAt, e.EndedAt = fromMicros(assigned), fromMicros(started), fromMicros(ended)
	return err
}

func scanWorker(r row, w *octaskly.Worker) error {
	var room, features string
	var seen int64
	if err := r.Scan(&w.ID, &w.Name, &w.Version, &w.Slots, &room, &features, &w.Address, &seen); err != nil {
		return err
	}
	w.SeenAt = fromMicros(seen)
	if err := json.Unmarshal([]byte(room), &w.Room); err != nil {
		return err
	}
	return json.Unmarshal([]byte(features), &w.Features)
}
