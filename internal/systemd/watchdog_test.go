package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plainLog writes level and message alone.
func plainLog(b *strings.Builder) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestWatchdog(t *testing.T) {
	sick, worse := errors.New("the store hangs"), errors.New("the disk is full")
	hang := errors.New("hang until the deadline")
	checks := []error{nil, nil, sick, sick, worse, nil, hang, hang, nil}
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var pings []time.Duration
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		w := watchdog{period: 10 * time.Second, log: plainLog(&log), ping: func() { pings = append(pings, time.Since(began)) }}
		w.check = func(ctx context.Context) error {
			if len(checks) == 0 {
				cancel()
				return ctx.Err()
			}
			err := checks[0]
			checks = checks[1:]
			if err == hang {
				<-ctx.Done()
				return ctx.Err()
			}
			return err
		}
		w.run(ctx)
		// The check at 60 s hangs until 70 s, the one at 70 s until 80 s.
		if diff := cmp.Diff("[0s 10s 50s 1m20s]", fmt.Sprint(pings)); diff != "" {
			t.Error(diff)
		}
		const will = `level=ERROR msg="the daemon is not well and will be killed unless it recovers" error=`
		const again = `level=INFO msg="the daemon is well again"` + "\n"
		want := will + "\"the store hangs\"\n" + will + "\"the disk is full\"\n" + again + will + "\"context deadline exceeded\"\n" + again
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Error(diff)
		}
	})
}

// A check that the daemon's own end interrupts is no news and no ping.
func TestWatchdogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		pings := 0
		w := watchdog{period: 10 * time.Second, log: plainLog(&log), ping: func() { pings++ }}
		w.check = func(ctx context.Context) error {
			if pings == 0 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		w.run(ctx)
		if pings != 1 || log.String() != "" {
			t.Errorf("%d pings, log %q", pings, log.String())
		}
	})
}

func TestWatchdogIsAskedFor(t *testing.T) {
	next := notified(t)
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Watchdog(ctx, func(ctx context.Context) error {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 10*time.Second {
				t.Errorf("deadline %v, %v", deadline, ok)
			}
			return nil
		}, slog.New(slog.DiscardHandler))
	}()
	if got := next(); got != "WATCHDOG=1" {
		t.Errorf("%q", got)
	}
	cancel()
	<-done
}

func TestWatchdogIsNotAskedFor(t *testing.T) {
	tests := []struct{ name, usec, pid, log string }{
		{"none", "", "", ""},
		{"for another process", "30000000", "1", ""},
		{"nonsense", "soon", "", "level=WARN msg=\"the service manager's watchdog is not fed\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("WATCHDOG_USEC", test.usec)
			t.Setenv("WATCHDOG_PID", test.pid)
			var log strings.Builder
			Watchdog(t.Context(), func(context.Context) error { t.Error("checked"); return nil }, plainLog(&log))
			if !strings.HasPrefix(log.String(), test.log) || test.log == "" && log.Len() > 0 {
				t.Errorf("%q, want %q", log.String(), test.log)
			}
		})
	}
}
