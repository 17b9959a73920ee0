package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/systemd"
)

// hangups are the signals SIGHUP that come from now on: who is told that a daemon is
// ready may send one at once.
func hangups() <-chan os.Signal {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	return hup
}

// reloadOnHangup has SIGHUP read the configuration again, until ctx is done. Of
// what has changed the log level is taken at once, and what load takes.
func (p *process) reloadOnHangup(ctx context.Context, hup <-chan os.Signal, load func() (config.Common, error)) error {
	for {
		select {
		case <-hup:
			systemd.Reloading()
			p.reload(load)
			systemd.Ready("")
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *process) reload(load func() (config.Common, error)) {
	c, err := load()
	if err != nil {
		p.log.Error("The configuration stays as it was", "error", err)
		return
	}
	p.level.Set(c.LogLevel.Level())
	p.log.Info("The configuration is read again; the log level and a dispatcher's [join] and authority count from now on, all else from the next start", "log_level", c.LogLevel.Level())
}
