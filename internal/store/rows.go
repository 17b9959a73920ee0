package store

import "github.com/octaskly/octaskly/internal/octaskly"

// The columns of each noun, and the fields that they are scanned into.
const (
	jobColumns = `j.id, j.owner, j.name, j.spec_version, j.spec, j.elements, j.array, j.at_once,
		ifnull(j.key, ''), j.submitted_at`
	progressColumns = `p.unclaimed, p.dropped, p.queued, p.assigned, p.running, p.completed, p.failed, p.timed_out,
		p.cancelled, p.cancel_reason, p.ended_at, p.seq`
	taskColumns = `t.job, t.idx, t.state, t.attempt, t.failures, t.losses, t.worker, t.cancel, t.reason, t.detail,
		t.not_before, t.assigned_at, t.started_at, t.ended_at, t.seq, t.lost_at`
	resultColumns = `r.seq, r.job, r.idx, r.attempt, r.worker, r.state, r.reason, r.detail, r.assigned_at, r.started_at,
		r.ended_at, r.cpu_time, r.max_rss, r.leftover, r.stored, r.stdout, r.stderr, r.discarded,
		r.memory_peak, r.processes_peak, r.bytes_read, r.bytes_written, r.disk_peak, r.ceiling, r.peak, r.workspace,
		r.late_state, r.late_reason, r.late_at`
	workerColumns = `w.id, w.name, w.version, w.slots, w.room, w.features, w.address, w.seen_at, w.checks,
		w.departed, w.drain`

	// singleColumns are taskColumns of a plain job's task, with state 0 where
	// an outer join has found none.
	singleColumns = `j.id, 0, ifnull(t.state, 0), ifnull(t.attempt, 0), ifnull(t.failures, 0), ifnull(t.losses, 0),
		ifnull(t.worker, ''), ifnull(t.cancel, 0), ifnull(t.reason, ''), ifnull(t.detail, ''), ifnull(t.not_before, 0),
		ifnull(t.assigned_at, 0), ifnull(t.started_at, 0), ifnull(t.ended_at, 0), ifnull(t.seq, 0),
		ifnull(t.lost_at, 0)`
)

func jobFields(j *octaskly.Job) []any {
	return []any{&j.ID, &j.Owner, &j.Name, &j.SpecVersion, &j.Spec, ranges{&j.Elements}, &j.Array, &j.AtOnce,
		&j.Key, moment{&j.SubmittedAt}}
}

func progressFields(p *octaskly.Progress) []any {
	c := &p.Rows
	return []any{ranges{&p.Unclaimed}, ranges{&p.Dropped}, count{&c[octaskly.Queued]}, count{&c[octaskly.Assigned]},
		count{&c[octaskly.Running]}, count{&c[octaskly.Completed]}, count{&c[octaskly.Failed]}, count{&c[octaskly.TimedOut]},
		count{&c[octaskly.Cancelled]}, &p.CancelReason, moment{&p.EndedAt}, &p.Seq}
}

func taskFields(t *octaskly.Task) []any {
	return []any{&t.Job, &t.Index, state{&t.State}, &t.Attempt, &t.Failures, &t.Losses, &t.Worker, &t.Cancel, &t.Reason, &t.Detail,
		moment{&t.NotBefore}, moment{&t.AssignedAt}, moment{&t.StartedAt}, moment{&t.EndedAt}, &t.Seq,
		moment{&t.LostAt}}
}

func resultFields(a *octaskly.Attempt) []any {
	e, out, u := &a.End, &a.End.Output, &a.End.Usage
	return []any{&a.Seq, &a.ID.Job, &a.ID.Index, &a.ID.Number, &a.Worker, state{&e.State}, &e.Reason, &e.Detail,
		moment{&a.AssignedAt}, moment{&e.StartedAt}, moment{&e.EndedAt}, &e.CPUTime, &e.MaxRSS, &e.Leftover,
		&out.Stored, &out.Stdout, &out.Stderr, &out.Discarded,
		&u.MemoryPeak, &u.ProcessesPeak, &u.Read, &u.Written, &u.DiskPeak, &e.Limit, &e.Peak, &e.Workspace,
		state{&a.Late.State}, &a.Late.Reason, moment{&a.Late.At}}
}

func workerFields(w *octaskly.Worker) []any {
	return []any{&w.ID, &w.Name, &w.Version, &w.Slots, document{&w.Room}, document{&w.Features}, &w.Address, moment{&w.SeenAt},
		document{&w.Checks}, &w.Left, document{&w.Drain}}
}
