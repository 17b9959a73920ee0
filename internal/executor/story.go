package executor

import (
	"context"
	"log/slog"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/systemd"
)

// tellStart tells the log that a command executes: journalctl OCTASKLY_TASK=42
// on its machine reads it.
func (x *Executor) tellStart(e *entry, pid int) {
	x.tell(e, "Command started", "started", slog.Int("pid", pid))
}

// tellEnd tells the log how an attempt ended.
func (x *Executor) tellEnd(e *entry, end *octaskly.End) {
	attrs := []slog.Attr{slog.String("state", end.State.String())}
	if end.Reason != "" {
		attrs = append(attrs, slog.String("reason", string(end.Reason)))
	}
	x.tell(e, "Command ended", "ended", attrs...)
}

// tellLost tells the log that a command was killed, or stopped with us, and that
// nobody will hear of its end.
func (x *Executor) tellLost(e *entry) { x.tell(e, "Command stopped", "stopped") }

func (x *Executor) tell(e *entry, message, event string, attrs ...slog.Attr) {
	ctx := context.Background()
	if !x.log.Enabled(ctx, systemd.LevelTask) {
		return
	}
	x.log.LogAttrs(ctx, systemd.LevelTask, message, append([]slog.Attr{
		slog.String(systemd.TaskKey, e.Task().String()),
		slog.String(systemd.JobKey, e.ID.Job.String()),
		slog.String(systemd.EventKey, event),
		slog.Int("attempt", e.ID.Number),
	}, attrs...)...)
}
