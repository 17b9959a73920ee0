package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/resources"
	"github.com/octaskly/octaskly/internal/systemd"
	"github.com/octaskly/octaskly/internal/units"
	"github.com/octaskly/octaskly/internal/worker"
)

// localDispatcher is where a dispatcher with the built-in configuration is
// found from its own machine.
const localDispatcher = "127.0.0.1:7878"

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:            "worker",
		Usage:           "run the commands that a dispatcher gives to this machine",
		Flags:           configFlags(dirs.Worker),
		HideHelpCommand: true,
		Subcommands:     []*cli.Command{selftestCommand()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil { // not Before, which would refuse selftest
				return err
			}
			load := func() (*config.Worker, error) { return config.LoadWorker(sources(c, dirs.Worker)) }
			return runWorker(c.Context, load, c.App.ErrWriter)
		},
	}
}

// runWorker puts the parts together and serves until ctx is done.
func runWorker(ctx context.Context, load func() (*config.Worker, error), stderr io.Writer) error {
	c, err := load()
	if err != nil {
		return fmt.Errorf("cannot use the configuration:\n%w", err)
	}
	p, err := begin(c.Common, stderr)
	if err != nil {
		return err
	}
	defer p.end()
	id, err := workerID(p.state.Path("id"))
	if err != nil {
		return err
	}
	in, err := newEntrance(c, p, id)
	if err != nil {
		return err
	}
	defer in.renewing.Wait() // the sessions are over
	run := runInside
	if c.Executor != "" {
		run = runRelay
	}
	group, ctx := errgroup.WithContext(ctx)
	hup := hangups()
	group.Go(func() error { return run(ctx, p, c, in) })
	group.Go(func() error { return awaitSecret(ctx, c, in) })
	group.Go(func() error {
		return p.reloadOnHangup(ctx, hup, func() (config.Common, error) {
			fresh, err := load()
			return fresh.Common, err
		})
	})
	return group.Wait()
}

// runInside is a worker with its executor inside.
func runInside(ctx context.Context, p *process, c *config.Worker, in *entrance) error {
	offered := room(c.CPUs, c.Memory)
	exec, err := executor.New(executor.Config{
		Slots: c.Slots, Room: offered, Dir: p.state.Path("executor"), Grace: c.Grace.Std(), Worker: c.Name,
		Boxes: boxesOf(&c.Boxes), Guard: guardWords, Log: p.log,
	})
	if err != nil {
		return err
	}
	tellSelfTest(p.log, slog.LevelDebug, exec.Features(), exec.Checks())
	w, err := worker.New(worker.Config{
		ID: in.id, Name: c.Name, Version: version, Slots: c.Slots, Room: offered, Dir: c.StateDir,
		Dial: in.dialer(c), Executor: exec, Log: p.log, Status: systemd.Status,
	})
	if err != nil {
		return err
	}
	control, err := ownSocket(p, c)
	if err != nil {
		return err
	}
	rest, err := openRest(p, &c.Door, noAuthority)
	if err != nil {
		return err
	}
	p.warnUnused()
	systemd.Ready("looking for the dispatcher at " + dispatcherOf(c))
	return execute(ctx, w, exec, c.Grace.Std(), func(ctx context.Context) error {
		running := func() int { _, held := exec.Held(); return runningOf(held) }
		me := &self{c, in, w.Joined, w.Hello, running, w.Identify, w.Metrics}
		return me.answer(ctx, control, rest, p.log)
	})
}

// ownSocket is the worker's control socket. Several workers on one machine have
// the same one by default: the later ones do without.
func ownSocket(p *process, c *config.Worker) (net.Listener, error) {
	ln, err := p.control(c.Socket)
	if err != nil && !c.Given("socket") {
		p.log.Warn("This worker has no control socket; give it one with --socket PATH", "why", err)
		return nil, nil
	}
	return ln, err
}

// execute runs the worker, and the executor until the worker lets go of it: its
// last reports go out through a session that is still there.
func execute(ctx context.Context, w *worker.Worker, exec *executor.Executor, grace time.Duration, serve func(context.Context) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(inner) })
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	group.Go(func() error {
		defer close(stopped)
		return exec.Run(running)
	})
	group.Go(func() error {
		defer stop()
		return w.Run(inner, func() {
			_, held := exec.Held()
			w.Log.Info("Worker stops and ends its commands", "running", runningOf(held), "grace", grace)
			stop()
			<-stopped
		})
	})
	return group.Wait()
}

// room is what this machine has to offer, or is told to offer.
func room(cpus units.CPUs, memory units.Size) octaskly.Room {
	if memory == 0 {
		memory = units.Size(resources.TotalMemory())
	}
	return octaskly.Room{octaskly.CPU: int64(cpus), octaskly.Memory: int64(memory)}
}

// workerID is drawn once for a state directory and kept there.
func workerID(path string) (octaskly.WorkerID, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, 8)
		rand.Read(raw)
		text = []byte(hex.EncodeToString(raw) + "\n")
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("cannot keep the worker's id: %w", err)
	}
	return octaskly.WorkerID(strings.TrimSpace(string(text))), nil
}
