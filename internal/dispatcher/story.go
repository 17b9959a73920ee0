package dispatcher

import (
	"context"
	"log/slog"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/systemd"
)

// Stories are what the log tells of single jobs and tasks once it is durable:
// journalctl OCTASKLY_TASK=42 reads them. They are told by a goroutine of their
// own, for the core must not wait for a log; what it cannot take is left out.
type story struct {
	message string
	attrs   []slog.Attr
}

// maxStories is how many may wait to be told.
const maxStories = 1024

// tellStories does so until the core has ended.
func (d *Dispatcher) tellStories() {
	for {
		select {
		case s := <-d.stories:
			d.Log.LogAttrs(context.Background(), systemd.LevelTask, s.message, s.attrs...)
		case <-d.gone:
			return
		}
	}
}

// tell has a story told, which is made only if it can be.
func (c *core) tell(compose func() story) {
	if !c.Log.Enabled(context.Background(), systemd.LevelTask) {
		return
	}
	select {
	case c.stories <- compose():
	default:
	}
}

// tellOf tells what a commit has made durable.
func (c *core) tellOf(b *batch) {
	for i := range b.accepted {
		c.tell(func() story { return submitted(&b.accepted[i]) })
	}
	for i := range b.attempts {
		if a := &b.attempts[i]; a.End.Reason == octaskly.ReasonWorkerLost {
			c.tell(func() story { return c.lost(a) })
		}
	}
	for _, t := range b.tasks {
		c.tell(func() story { return c.moved(t) })
	}
}

// lost tells of an attempt that a further one may follow in the same commit.
func (c *core) lost(a *octaskly.Attempt) story {
	id := octaskly.TaskID{Job: a.ID.Job, Index: a.ID.Index}
	if j := c.jobs[a.ID.Job]; j != nil {
		id = j.Task(a.ID.Index)
	}
	attrs := []slog.Attr{
		slog.String(systemd.TaskKey, id.String()),
		slog.String(systemd.JobKey, a.ID.Job.String()),
		slog.String(systemd.EventKey, "lost"),
		slog.Int("attempt", a.ID.Number),
	}
	if w := c.workers[a.Worker]; w != nil {
		attrs = append(attrs, slog.String(systemd.WorkerKey, w.Name))
	}
	return story{"Task lost with its worker", attrs}
}

func submitted(j *octaskly.Job) story {
	attrs := []slog.Attr{
		slog.String(systemd.TaskKey, j.ID.String()),
		slog.String(systemd.JobKey, j.ID.String()),
		slog.String(systemd.EventKey, "submitted"),
		slog.String("owner", j.Owner),
	}
	if j.Array {
		attrs = append(attrs, slog.Int64("tasks", j.Elements.Count()))
	}
	return story{"Task submitted", attrs}
}

// moved tells in which state a task is now.
func (c *core) moved(t *task) story {
	event := t.State.String()
	if t.Cancel && !t.State.Terminal() {
		event = "cancelling"
	}
	attrs := []slog.Attr{
		slog.String(systemd.TaskKey, t.job.Task(t.Index).String()),
		slog.String(systemd.JobKey, t.Job.String()),
		slog.String(systemd.EventKey, event),
		slog.Int("attempt", t.Attempt),
	}
	if w := c.workers[t.Worker]; w != nil {
		attrs = append(attrs, slog.String(systemd.WorkerKey, w.Name))
	}
	if t.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(t.Reason)))
	}
	return story{"Task " + event, attrs}
}
