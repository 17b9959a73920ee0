package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/systemd"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/internal/worker"
)

func executorCommand() *cli.Command {
	return &cli.Command{
		Name:   "executor",
		Usage:  "run commands for the worker on this machine, which has no privileges",
		Flags:  configFlags(dirs.Executor),
		Before: noArguments,
		Action: func(c *cli.Context) error {
			loaded, err := config.LoadExecutor(sources(c, dirs.Executor))
			if err != nil {
				return fmt.Errorf("cannot use the configuration:\n%w", err)
			}
			if rehearsed, err := rehearsal(os.Stdin, loaded.StateDir); rehearsed || err != nil {
				return err
			}
			return runExecutor(c.Context, loaded, c.App.ErrWriter)
		},
	}
}

// executorDaemon is the executor in a process of its own.
type executorDaemon struct {
	log     *slog.Logger
	program string // to be executed anew
	state   string // directory
	exec    *executor.Executor
	worker  *worker.Worker
	socket  *net.UnixListener
	allowed func(uid uint32) bool
	grace   time.Duration
}

// runExecutor puts the parts together, or takes them over from the program before
// this one, and serves until ctx is done.
func runExecutor(ctx context.Context, c *config.Executor, stderr io.Writer) error {
	p, err := beginBare(c.Common, stderr)
	if err != nil {
		return err
	}
	defer p.end()
	old, err := takeOver()
	if err != nil {
		return err
	}
	d := &executorDaemon{log: p.log, state: c.StateDir, grace: c.Grace.Std()}
	if d.program, err = os.Executable(); err != nil {
		return fmt.Errorf("cannot tell which program this is: %w", err)
	}
	if d.allowed, err = obeys(c.WorkerUser); err != nil {
		return err
	}
	if d.exec, err = newExecutor(c, p.log, old); err != nil {
		return err
	}
	if d.socket, err = executorSocket(c, p.sockets, old); err != nil {
		return err
	}
	defer d.socket.Close()
	p.warnUnused()
	d.worker, err = worker.New(worker.Config{
		Slots: c.Slots, Room: room(c.CPUs, c.Memory), Dir: c.StateDir, Executor: d.exec, Inputs: d.exec.Inputs(), Status: systemd.Status, Log: p.log,
	})
	if err != nil {
		return err
	}
	return d.run(ctx, old)
}

func newExecutor(c *config.Executor, log *slog.Logger, old *legacy) (*executor.Executor, error) {
	account, err := accountOf(c.RunAs)
	if err != nil {
		return nil, err
	}
	name, _ := os.Hostname() // until the worker says how it is called
	cfg := executor.Config{
		Slots: c.Slots, Room: room(c.CPUs, c.Memory), Dir: c.StateDir, Grace: c.Grace.Std(), Worker: name,
		Account: account, Directories: c.Directories, Boxes: boxesOf(&c.Boxes), Guard: guardWords, Log: log,
	}
	defer feedWatchdog(log)()
	var x *executor.Executor
	if old != nil {
		x, err = executor.Resume(cfg, old.handover)
	} else {
		x, err = executor.New(cfg)
	}
	if err == nil {
		tellSelfTest(log, slog.LevelWarn, x.Features(), x.Checks())
	}
	return x, err
}

// beginTime is what it may take until an executor is ready, with its self-test.
const beginTime = 5 * time.Minute

// feedWatchdog has the service manager wait meanwhile: it watches already who has
// been executed anew. stop ends that.
func feedWatchdog(log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), beginTime)
	var fed sync.WaitGroup
	fed.Go(func() { systemd.Watchdog(ctx, func(context.Context) error { return nil }, log) })
	return func() {
		cancel()
		fed.Wait()
	}
}

// accountOf is nil for our own user.
func accountOf(name string) (*executor.Account, error) {
	account, err := executor.LookupAccount(name)
	if err != nil || account.UID == os.Geteuid() {
		return nil, err
	}
	return account, nil
}

// obeys is the rule of whom the executor obeys: root, itself and the worker's user.
func obeys(name string) (func(uid uint32) bool, error) {
	workers, err := executor.LookupAccount(name)
	if err != nil {
		return nil, fmt.Errorf("cannot obey worker_user: %w", err)
	}
	own := os.Geteuid()
	return func(uid uint32) bool { return uid == 0 || int(uid) == own || int(uid) == workers.UID }, nil
}

// executorSocket is inherited from the program before, passed by the service
// manager, or made.
func executorSocket(c *config.Executor, sockets *systemd.Sockets, old *legacy) (*net.UnixListener, error) {
	if old != nil {
		return old.socket, nil
	}
	ln, err := sockets.Listener("executor")
	if err == nil && ln == nil {
		ln, err = api.Listen(c.Socket)
	}
	if err != nil {
		return nil, err
	}
	socket, ok := ln.(*net.UnixListener)
	if !ok {
		ln.Close()
		return nil, errors.New("cannot serve workers: the socket named executor that the service manager passed is no Unix socket")
	}
	return socket, nil
}

// stopTime is what stopping may take beyond the grace.
const stopTime = 30 * time.Second

// run serves until ctx is done. SIGHUP has the program executed anew; where that
// fails, this one goes on.
func (d *executorDaemon) run(ctx context.Context, old *legacy) error {
	hup := make(chan os.Signal, 1)
	defer signal.Stop(hup)

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.exec.Run(running) }()
	stopped := sync.OnceValue(func() error {
		systemd.Stopping("stopping what runs")
		systemd.Extend(d.grace + stopTime)
		stop()
		return <-ended
	})
	d.log.Info("Executor is ready", "socket", d.socket.Addr().String(), "took_over", old != nil)
	for {
		signal.Notify(hup, unix.SIGHUP) // an attempt to hand over undoes it
		err := d.serve(ctx, hup, stopped)
		if !errors.Is(err, errHangup) {
			return errors.Join(err, stopped())
		}
		systemd.Reloading()
		d.log.Info("Executing the program anew; commands run on")
		d.log.Error("The old program goes on", "error", d.handOver(ctx))
	}
}

// errHangup says that SIGHUP came.
var errHangup = errors.New("hangup")

// serve has sessions with workers until ctx is done or SIGHUP comes.
func (d *executorDaemon) serve(ctx context.Context, hup <-chan os.Signal, stopped func() error) error {
	listener := transport.ListenUnix(d.socket, transport.UnixConfig{Allowed: d.allowed, Refused: func(who string, why error) {
		d.log.Warn("Connection is refused", "from", who, "reason", why)
	}})
	defer listener.Close()
	systemd.Ready("waiting for the worker")
	serving, done := context.WithCancel(context.WithoutCancel(ctx)) // at the end of ctx there is a goodbye to say
	var group errgroup.Group
	group.Go(func() error {
		defer done()
		return d.worker.Attend(ctx, listener.Accept, func() { stopped() })
	})
	group.Go(func() error {
		select {
		case <-hup:
			listener.Close()
			return errHangup
		case <-serving.Done():
			return nil
		}
	})
	group.Go(func() error {
		// Whoever holds the executor's lock for long hangs, and so does this.
		systemd.Watchdog(serving, func(context.Context) error { d.exec.Idle(); return nil }, d.log)
		return nil
	})
	switch err := group.Wait(); {
	case errors.Is(err, errHangup) || errors.Is(err, net.ErrClosed): // whichever part was first
		return errHangup
	case ctx.Err() != nil:
		return nil
	default:
		return err
	}
}
