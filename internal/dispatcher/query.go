package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
)

const (
	defaultList = 100
	maxList     = 10_000
	recentEnded = 10 // jobs that are over, in a list that is not asked for all
)

// Jobs lists jobs, newest first.
func (d *Dispatcher) Jobs(ctx context.Context, who api.Caller, f api.Filter) ([]api.Job, error) {
	query := store.Query{Owner: owned(who, f.Owner), States: f.States, Before: f.Before, Limit: f.Limit}
	if query.Limit <= 0 {
		query.Limit = defaultList
	}
	query.Limit = min(query.Limit, maxList)
	if f.Select != nil {
		ids, err := d.selected(ctx, who, *f.Select)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			return nil, nil
		}
		query.IDs = spans(ids)
	}
	if f.All || f.Select != nil || len(f.States) > 0 {
		query.Live, query.Ended = true, true
		return d.list(ctx, query)
	}
	query.Live = true
	live, err := d.list(ctx, query)
	if err != nil {
		return nil, err
	}
	query.Live, query.Ended, query.Limit = false, true, min(query.Limit, recentEnded)
	ended, err := d.list(ctx, query)
	return append(live, ended...), err
}

// spans are ranges of ascending ids.
func spans(ids []octaskly.JobID) (all octaskly.Ranges) {
	for _, id := range ids {
		i := octaskly.Index(id)
		if n := len(all); n > 0 && all[n-1].Hi == i-1 {
			all[n-1].Hi = i
		} else {
			all = append(all, octaskly.Range{Lo: i, Hi: i, Step: 1})
		}
	}
	return all
}

// owned is whose jobs a caller's list holds: without a wish an admin's holds
// everyone's.
func owned(who api.Caller, wish string) string {
	if who.Admin {
		return wish
	}
	return who.Name
}

func (d *Dispatcher) list(ctx context.Context, query store.Query) ([]api.Job, error) {
	records, err := d.store.Jobs(ctx, query)
	if err != nil {
		return nil, err
	}
	jobs := make([]api.Job, 0, len(records))
	for i := range records {
		job, _ := d.summary(&records[i])
		job.Command = abbreviate(job.Command)
		jobs = append(jobs, job)
	}
	return jobs, d.foretell(ctx, jobs)
}

// summary tells of a job what a list shows.
func (d *Dispatcher) summary(r *store.Record) (api.Job, *octaskly.Spec) {
	spec, _ := legible(&r.Job)
	counts := r.Progress.Count()
	job := api.Job{
		ID: r.Job.ID.String(), Owner: r.Job.Owner, Name: r.Job.Name, State: counts.State(),
		Command: texts(spec.Argv), Tasks: counts.Total(), Counts: byName(counts),
		SubmittedAt: r.Job.SubmittedAt, EndedAt: moment(r.Progress.EndedAt),
	}
	switch {
	case r.Job.Array:
		job.Array = r.Job.Elements.String()
		if counts.Over() {
			job.Exit = exitOfMany(counts)
		}
	case r.Task != nil:
		d.fill(&job, r.Task)
	case counts.Over():
		d.fill(&job, dropped(r, 0))
	}
	return job, spec
}

// fill adds what is known of the one task that a summary is about.
func (d *Dispatcher) fill(job *api.Job, t *octaskly.Task) {
	job.State, job.Reason, job.Detail = t.State, t.Reason, t.Detail
	job.StartedAt = moment(t.StartedAt)
	if t.Worker != "" {
		job.Worker = d.names.get(t.Worker)
	}
	if t.State.Terminal() {
		code := octaskly.ExitCode(t.State, t.Reason)
		job.Exit, job.EndedAt = &code, moment(t.EndedAt)
	}
}

// exitOfMany is 0 when all completed, else 1.
func exitOfMany(counts octaskly.Counts) *int {
	code := 1
	if counts.State() == octaskly.Completed {
		code = 0
	}
	return &code
}

// dropped makes up the row of a task that was cancelled before it had one.
func dropped(r *store.Record, i octaskly.Index) *octaskly.Task {
	t := &octaskly.Task{Job: r.Job.ID, Index: i, State: octaskly.Queued}
	if r.Progress.Dropped.Contains(i) {
		t.State, t.Reason, t.Detail = octaskly.Cancelled, octaskly.ReasonCancelled, r.Progress.CancelReason
		t.EndedAt = r.Progress.EndedAt
	}
	return t
}

// Elements lists the elements of an array that have a row.
func (d *Dispatcher) Elements(ctx context.Context, who api.Caller, id octaskly.JobID, states []octaskly.State, from octaskly.Index, limit int) ([]api.Element, error) {
	record, err := d.record(ctx, who, id)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > maxList {
		limit = maxList
	}
	rows, err := d.store.Tasks(ctx, id, states, from, limit)
	if err != nil {
		return nil, err
	}
	elements := make([]api.Element, 0, len(rows))
	for i := range rows {
		t := &rows[i]
		e := api.Element{
			ID: record.Job.Task(t.Index).String(), State: t.State, Reason: t.Reason, Detail: t.Detail,
			Attempt: t.Attempt, Worker: d.names.get(t.Worker),
		}
		if t.State.Terminal() {
			code := octaskly.ExitCode(t.State, t.Reason)
			e.Exit = &code
		}
		elements = append(elements, e)
	}
	return elements, nil
}

// record finds a job that who may see.
func (d *Dispatcher) record(ctx context.Context, who api.Caller, id octaskly.JobID) (*store.Record, error) {
	record, err := d.jobOf(ctx, id)
	if err != nil {
		return nil, err
	}
	if !who.Admin && record.Job.Owner != who.Name {
		return nil, fmt.Errorf("task %v is another user's: %w", id, octaskly.ErrDenied) // whose is for who may know
	}
	return record, nil
}

// selected resolves a selection to ids of jobs that who may change.
func (d *Dispatcher) selected(ctx context.Context, who api.Caller, what api.Selection) ([]octaskly.JobID, error) {
	switch {
	case what.Last:
		id, err := d.store.LastJob(ctx, who.Name)
		if err != nil {
			return nil, fmt.Errorf("cannot find your last task: %w", err)
		}
		return []octaskly.JobID{id}, nil
	case what.All:
		owner := who.Name
		if what.Everyone {
			if !who.Admin {
				return nil, fmt.Errorf("all users' tasks are an admin's: %w", octaskly.ErrDenied)
			}
			owner = ""
		}
		return d.ids(ctx, store.Query{Owner: owner, Live: true})
	}
	if what.Elements != nil {
		return d.withElements(ctx, who, what)
	}
	return d.named(ctx, who, what.Jobs)
}

// withElements finds the job of which elements are named; one of them must be
// there.
func (d *Dispatcher) withElements(ctx context.Context, who api.Caller, what api.Selection) ([]octaskly.JobID, error) {
	id := octaskly.JobID(what.Jobs[0].Lo)
	record, err := d.record(ctx, who, id)
	if err != nil {
		return nil, err
	}
	elements := record.Job.Elements
	if !record.Job.Array || elements.Minus(what.Elements).Count() == elements.Count() {
		return nil, fmt.Errorf("cannot find task %v: %w", label(id, what.Elements), octaskly.ErrNotFound)
	}
	return []octaskly.JobID{id}, nil
}

// maxSelected bounds the jobs of one request.
const maxSelected = 2_000_000

// ids are those of the jobs that query chooses, oldest first.
func (d *Dispatcher) ids(ctx context.Context, query store.Query) ([]octaskly.JobID, error) {
	query.Limit = maxSelected + 1
	ids, err := d.store.IDs(ctx, query)
	if err == nil && len(ids) > maxSelected {
		err = fmt.Errorf("cannot take more than %d tasks at once; name some of them, as in 1-%d: %w", maxSelected, maxSelected, octaskly.ErrFull)
	}
	slices.Reverse(ids)
	return ids, err
}

// named finds jobs by their ids. One that is named by itself must be there; of
// a range, some.
func (d *Dispatcher) named(ctx context.Context, who api.Caller, jobs octaskly.Ranges) (ids []octaskly.JobID, err error) {
	for _, r := range jobs {
		if r.Lo == r.Hi {
			if _, err := d.record(ctx, who, octaskly.JobID(r.Lo)); err != nil {
				return nil, err
			}
			ids = append(ids, octaskly.JobID(r.Lo))
			continue
		}
		found, err := d.ids(ctx, store.Query{
			Owner: owned(who, ""), IDs: octaskly.Ranges{r}, Live: true, Ended: true,
		})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("cannot find any task of %v: %w", r, octaskly.ErrNotFound)
		}
		ids = append(ids, found...)
	}
	return ids, nil
}

// listed is how much of a command's words a list shows, in bytes.
const listed = 1 << 10

// abbreviate cuts a long command short.
func abbreviate(argv []api.Text) []api.Text {
	room := listed
	for i, arg := range argv {
		if room -= len(arg) + 1; room < 0 {
			return append(argv[:i:i], "…")
		}
	}
	return argv
}

func texts(argv []string) []api.Text {
	list := make([]api.Text, len(argv))
	for i, arg := range argv {
		list[i] = api.Text(arg)
	}
	return list
}

// byName leaves zeroes out.
func byName(counts octaskly.Counts) map[string]int64 {
	named := map[string]int64{}
	for _, s := range octaskly.States {
		if counts[s] > 0 {
			named[s.String()] = counts[s]
		}
	}
	return named
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
