package dispatcher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/transport"
)

// Workers lists the workers that are known.
func (d *Dispatcher) Workers(ctx context.Context, _ api.Caller) ([]api.Worker, error) {
	return consult(ctx, d, func(c *core) ([]api.Worker, error) {
		list := make([]api.Worker, 0, len(c.workers))
		for _, w := range c.workers {
			list = append(list, w.describe())
		}
		return list, nil
	})
}

// Worker tells of one worker, by its id or name.
func (d *Dispatcher) Worker(ctx context.Context, _ api.Caller, name string) (*api.Worker, error) {
	return consult(ctx, d, func(c *core) (*api.Worker, error) {
		w := c.findWorker(name)
		if w == nil {
			return nil, fmt.Errorf("cannot find worker %.64q: %w", name, octaskly.ErrNotFound)
		}
		page := w.describe()
		page.Checks = api.ChecksOf(w.Checks)
		return &page, nil
	})
}

// findWorker prefers, among workers of one name, the one that is connected, then
// the one that was seen last.
func (c *core) findWorker(name string) *worker {
	if w := c.workers[octaskly.WorkerID(name)]; w != nil {
		return w
	}
	var found *worker
	for _, w := range c.workers {
		if w.Name == name && (found == nil || w.session != nil || found.session == nil && w.SeenAt.After(found.SeenAt)) {
			found = w
		}
	}
	return found
}

func (w *worker) describe() api.Worker {
	line := api.Worker{
		ID: string(w.ID), Name: w.Name, State: w.state(), Address: w.Address, Version: w.Version, Slots: w.Slots,
		CPUs: float64(w.Room[octaskly.CPU]) / 1000, Memory: w.Room[octaskly.Memory],
		SeenAt: w.SeenAt,
	}
	line.CPUsReserved, line.MemoryReserved = float64(w.sched.Used[octaskly.CPU])/1000, w.sched.Used[octaskly.Memory]
	line.Offer(w.Features)
	line.Drain = drain(w.Drain)
	if w.session != nil {
		line.SeenAt = w.session.seenAt()
		since := w.SeenAt // it joined then
		line.Since, line.Address = &since, w.session.link.Peer()
		line.Transport = string(transport.NameOf(w.session.link))
		line.RoundTrip = api.Seconds(w.session.roundTrip())
	}
	for t := range w.held {
		if t.State == octaskly.Running {
			line.Running++
			if t.usage != nil {
				line.CPUsUsed += t.cpus
				line.MemoryUsed += t.usage.Memory
			}
		} else {
			line.Assigned++
		}
	}
	return line
}

func drain(d *octaskly.Drain) *api.Drain {
	if d == nil {
		return nil
	}
	return &api.Drain{By: d.By, At: d.At, Reason: d.Reason, Deadline: moment(d.Deadline)}
}

func (w *worker) state() string {
	switch {
	case w.session != nil && w.session.leaving:
		return "stopping"
	case w.session != nil:
		return "connected"
	case w.Left:
		return "left"
	case time.Now().Before(w.leaseEnd):
		return "away"
	}
	return "lost"
}

// autoLevel is what octaskly.AutoLevel says of the fleet as the core has seen it
// last.
func (d *Dispatcher) autoLevel() octaskly.Level { return octaskly.Level(d.auto.Load()) }

// DefaultLevel is what submissions get that name no level, by now.
func (d *Dispatcher) DefaultLevel() octaskly.Level { return d.Policy.DefaultLevel(d.autoLevel()) }

// survey looks at what the known workers have in common: those that are connected
// or away; where there is none of these, those that have been. What it finds only
// ever rises while the dispatcher runs: neither a weak worker that joins nor one
// whose self-test fails for once takes the box from commands.
func (c *core) survey(at time.Time) {
	var known, past [][]string
	c.surveyAt = time.Time{}
	for _, w := range c.workers {
		switch away := !w.Left && at.Before(w.leaseEnd); {
		case w.session != nil:
			known = append(known, w.Features)
		case away:
			known = append(known, w.Features)
			if c.surveyAt.IsZero() || w.leaseEnd.Before(c.surveyAt) {
				c.surveyAt = w.leaseEnd
			}
		default:
			past = append(past, w.Features)
		}
	}
	if len(known) == 0 {
		known = past
	}
	before := c.autoLevel()
	after := max(before, octaskly.AutoLevel(known))
	c.auto.Store(uint32(after))
	if c.Policy.Level == 0 && after != before {
		c.Log.Info("Submissions that name no sandbox level get this one from now on", "level", c.Policy.DefaultLevel(after).String())
	}
}

// greet says what a worker that has joined offers.
func (c *core) greet(w *worker) {
	offer := w.describe()
	c.Log.Info("Worker has joined", "worker", w.Name, "address", w.Address, "slots", w.Slots,
		"levels", strings.Join(offer.Levels, " "), "limits", strings.Join(offer.Limits, " "))
	if level := c.Policy.DefaultLevel(c.autoLevel()); !slices.Contains(w.Features, level.Feature()) {
		c.Log.Warn("Worker does not offer the level of submissions that name none: these will not run there",
			"worker", w.Name, "level", level.String(), "see", "octasklyctl worker show "+w.Name)
	}
}
