package dispatcher

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// eventView is what somebody wants of events, and may see of them.
type eventView struct {
	owner  string // empty: everybody's
	fleet  bool   // also what is about no task
	jobs   octaskly.Ranges
	part   octaskly.Ranges // elements of the one job; nil: all
	tasks  bool            // only what is about tasks
	worker string          // name or id; empty: any
	kinds  []octaskly.EventKind
}

// viewOf resolves a filter. A job that is named by itself must be there, or have
// been.
func (d *Dispatcher) viewOf(ctx context.Context, who api.Caller, f api.EventFilter) (*eventView, error) {
	v := &eventView{fleet: f.Fleet, worker: f.Worker, kinds: f.Kinds}
	if !who.Admin {
		v.owner = who.Name
	}
	what := f.Select
	if what == nil {
		return v, nil
	}
	v.tasks, v.jobs, v.part = true, what.Jobs, what.Elements
	switch {
	case what.All:
		v.owner = who.Name
	case what.Last:
		ids, err := d.selected(ctx, who, *what)
		if err != nil {
			return nil, err
		}
		v.jobs = octaskly.Span(int64(ids[0]), int64(ids[0]))
	case len(v.jobs) == 1 && v.jobs[0].Lo == v.jobs[0].Hi:
		if _, err := d.record(ctx, who, octaskly.JobID(v.jobs[0].Lo)); err != nil && !errors.Is(err, octaskly.ErrGone) {
			return nil, err
		}
	}
	return v, nil
}

// sees reports whether an event is in the view.
func (v *eventView) sees(e *octaskly.Event) bool {
	switch {
	case e.Job == 0 && (!v.fleet || v.tasks):
		return false
	case e.Job != 0 && v.owner != "" && e.Owner != v.owner:
		return false
	case v.worker != "" && v.worker != e.WorkerName && v.worker != string(e.Worker):
		return false
	case len(v.kinds) > 0 && !slices.Contains(v.kinds, e.Kind):
		return false
	}
	return !v.tasks || v.names(e)
}

// names reports whether an event is about a task that is named.
func (v *eventView) names(e *octaskly.Event) bool {
	switch {
	case v.jobs != nil && !contains(v.jobs, e.Job):
		return false
	case v.part == nil:
		return true
	case e.Elements == nil:
		return v.part.Contains(e.Index)
	}
	some, _ := e.Elements.Divide(v.part)
	return len(some) > 0
}

// contains is for jobs, whose ids may be beyond any index.
func contains(jobs octaskly.Ranges, id octaskly.JobID) bool {
	return slices.ContainsFunc(jobs, func(r octaskly.Range) bool {
		return int64(id) >= r.Lo && int64(id) <= r.Hi && (int64(id)-r.Lo)%r.Step == 0
	})
}

// tellerOf makes events of one generation of the database what the API says of them.
type tellerOf struct{ generation string }

func (g tellerOf) cursor(seq int64) api.Cursor { return api.Cursor{Generation: g.generation, Seq: seq} }

func (g tellerOf) event(e *octaskly.Event) api.Event {
	told := api.Event{
		ID: g.cursor(e.Seq).String(), Seq: e.Seq, At: e.At, Kind: e.Kind.String(), Owner: e.Owner, Attempt: e.Attempt,
		Worker: e.WorkerName, WorkerID: string(e.Worker), State: e.State, Why: e.Why.String(), Reason: e.Reason, Detail: e.Detail,
		Limit: measured(e.Reason, e.Limit), Peak: measured(e.Reason, e.Peak),
	}
	if e.Job == 0 {
		return told
	}
	told.Job, told.Tasks = e.Job.String(), 1
	switch {
	case e.Elements == nil || !e.Array:
		told.Task = octaskly.TaskID{Job: e.Job, Index: e.Index, Array: e.Array}.String()
	default:
		told.Elements, told.Tasks = e.Elements.String(), e.Elements.Count()
	}
	return told
}

// gap is a marker: these are no longer kept.
func (g tellerOf) gap(from, to int64) api.Event {
	return api.Event{ID: g.cursor(to).String(), Seq: to, Kind: api.GapMarker, From: from, To: to}
}

// reset is a marker: what follows begins after this place.
func (g tellerOf) reset(at int64) api.Event {
	return api.Event{ID: g.cursor(at).String(), Seq: at, At: time.Now().UTC(), Kind: api.ResetMarker}
}
