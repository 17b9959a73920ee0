package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/systemd"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/internal/worker"
)

// runRelay is a worker whose commands run in an executor of its own.
func runRelay(ctx context.Context, p *process, c *config.Worker, in *entrance) error {
	r := &worker.Relay{
		ID: in.id, Name: c.Name, Version: version, Log: p.log, Status: systemd.Status, Dial: in.dialer(c),
		Executor: func(ctx context.Context) (transport.Session, error) { return transport.DialUnix(ctx, c.Executor) },
	}
	control, err := p.control(c.Socket)
	if err != nil {
		return err
	}
	rest, err := openRest(p, &c.Door, noAuthority)
	if err != nil {
		control.Close()
		return err
	}
	p.warnUnused()
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return r.Run(inner) })
	running := func() int { n, _ := r.Running(); return n }
	group.Go(func() error {
		me := &self{c, in, r.Joined, r.Hello, running, r.Identify, r.Metrics}
		return me.answer(inner, control, rest, p.log)
	})
	group.Go(func() error {
		systemd.Watchdog(inner, func(context.Context) error { r.Running(); return nil }, p.log)
		return nil
	})
	p.log.Info("Worker is ready", "dispatcher", dispatcherOf(c), "executor", c.Executor, "socket", control.Addr().String())
	systemd.Ready("looking for the dispatcher at " + dispatcherOf(c))
	err = group.Wait()
	systemd.Stopping("stopping")
	tellWhatStays(r, p)
	return err
}

// helloTime bounds the last question to the executor.
const helloTime = 2 * time.Second

// tellWhatStays says how many commands go on without this worker.
func tellWhatStays(r *worker.Relay, p *process) {
	running, known := r.Running()
	if !known {
		ctx, cancel := context.WithTimeout(context.Background(), helloTime)
		defer cancel()
		held, err := r.Held(ctx)
		if err != nil {
			return // the executor stops as well
		}
		running = runningOf(held)
	}
	if running > 0 {
		p.log.Warn("Commands go on running without this worker; systemctl stop octasklyd-executor stops them, systemctl start octasklyd-worker picks them up again", "commands", running)
	}
}
