package systemd

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watchdog tells the service manager that the daemon is well, for as long as it
// is, until ctx is done. It returns at once when the manager does not ask
// (WATCHDOG_USEC, WATCHDOG_PID; WatchdogSec= in the unit).
//
// A third of the manager's interval apart it runs check, which has that long to
// answer, and says so only if there was no error. The manager kills and restarts
// a daemon that it does not hear of: what check finds wrong must be worth that.
// A check that hangs holds Watchdog, too.
func Watchdog(ctx context.Context, check func(context.Context) error, log *slog.Logger) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not fed", "error", err)
		return
	}
	if interval == 0 {
		return
	}
	w := watchdog{interval / 3, check, log, func() { notify(daemon.SdNotifyWatchdog) }, ""}
	w.run(ctx)
}

type watchdog struct {
	period time.Duration
	check  func(context.Context) error
	log    *slog.Logger
	ping   func()
	wrong  string // what the last check found
}

func (w *watchdog) run(ctx context.Context) {
	ticker := time.NewTicker(w.period)
	defer ticker.Stop()
	for {
		err := w.examine(ctx)
		if ctx.Err() != nil {
			return
		}
		w.tell(err)
		if err == nil {
			w.ping()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *watchdog) examine(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.period)
	defer cancel()
	return w.check(ctx)
}

// tell logs what has changed since the last check.
func (w *watchdog) tell(err error) {
	before := w.wrong
	w.wrong = ""
	if err != nil {
		w.wrong = err.Error()
	}
	switch {
	case w.wrong == before:
	case err != nil:
		w.log.Error("the daemon is not well and will be killed unless it recovers", "error", err)
	default:
		w.log.Info("the daemon is well again")
	}
}
