package dispatcher

import (
	"context"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// attempts lists what has ended and what has not.
func (d *Dispatcher) attempts(ctx context.Context, t *octaskly.Task) ([]api.Attempt, error) {
	if t.Attempt == 0 {
		return []api.Attempt{}, nil
	}
	ended, err := d.store.Attempts(ctx, t.Job, t.Index)
	if err != nil {
		return nil, err
	}
	list := make([]api.Attempt, 0, len(ended)+1)
	for i := range ended {
		list = append(list, d.attempt(&ended[i]))
	}
	if t.Open(t.Attempt) {
		list = append(list, d.latestAttempt(t))
	}
	return list, nil
}

// latestAttempt is the one of a task that has not ended.
func (d *Dispatcher) latestAttempt(t *octaskly.Task) api.Attempt {
	a := api.Attempt{
		Number: t.Attempt, State: t.State, Worker: d.names.get(t.Worker),
		AssignedAt: t.AssignedAt, StartedAt: moment(t.StartedAt),
	}
	if t.Missed() {
		a.State, a.Reason, a.LostAt = octaskly.Assigned, t.Reason, moment(t.LostAt)
		if a.StartedAt != nil {
			a.State = octaskly.Running
		}
	}
	return a
}

func (d *Dispatcher) attempt(a *octaskly.Attempt) api.Attempt {
	return api.Attempt{
		Number: a.ID.Number, State: a.End.State, Reason: a.End.Reason, Detail: a.End.Detail,
		Worker: d.names.get(a.Worker), AssignedAt: a.AssignedAt,
		StartedAt: moment(a.End.StartedAt), EndedAt: moment(a.End.EndedAt),
		CPUTime: api.Seconds(a.End.CPUTime), MaxRSS: a.End.MaxRSS,
		Stdout: a.End.Output.Stdout, Stderr: a.End.Output.Stderr, Discarded: a.End.Output.Discarded,
		Leftover: a.End.Leftover, Usage: usageOf(a), Workspace: a.End.Workspace,
		Limit: measured(a.End.Reason, a.End.Limit), Peak: measured(a.End.Reason, a.End.Peak),
		Late: late(a.Late),
	}
}

func late(l octaskly.Late) *api.Late {
	if l.State == 0 {
		return nil
	}
	return &api.Late{State: l.State, Reason: l.Reason, EndedAt: l.At}
}

// usageOf is what an attempt that is over has used; nil where that was not
// measured.
func usageOf(a *octaskly.Attempt) *api.Usage {
	u := a.End.Usage
	if u == (octaskly.Usage{}) {
		return nil
	}
	u.CPUTime = a.End.CPUTime
	return usage(&u)
}

func usage(u *octaskly.Usage) *api.Usage {
	return &api.Usage{
		CPUTime: api.Seconds(u.CPUTime), Memory: u.Memory, MemoryPeak: u.MemoryPeak,
		Processes: u.Processes, ProcessesPeak: u.ProcessesPeak,
		Read: u.Read, Written: u.Written, Disk: u.Disk, DiskPeak: u.DiskPeak,
	}
}

// measured is a value of the limit that a reason names: times are in seconds.
func measured(r octaskly.Reason, n int64) float64 {
	if r == octaskly.ReasonCPUTime || r == octaskly.ReasonTimeout {
		return time.Duration(n).Seconds()
	}
	return float64(n)
}
