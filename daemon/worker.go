package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/resources"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/internal/worker"
)

// localDispatcher is where a dispatcher with the built-in configuration is
// found from its own machine.
const localDispatcher = "127.0.0.1:7878"

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:   "worker",
		Usage:  "run the commands that a dispatcher gives to this machine",
		Flags:  configFlags(dirs.Worker),
		Before: noArguments,
		Action: func(c *cli.Context) error {
			loaded, err := config.LoadWorker(sources(c, dirs.Worker))
			if err != nil {
				return fmt.Errorf("cannot use the configuration:\n%w", err)
			}
			return runWorker(c.Context, loaded, c.App.ErrWriter)
		},
	}
}

// runWorker puts the parts together and serves until ctx is done.
func runWorker(ctx context.Context, c *config.Worker, stderr io.Writer) error {
	p, err := begin(c.Common, stderr)
	if err != nil {
		return err
	}
	defer p.end()
	id, err := workerID(p.state.Path("id"))
	if err != nil {
		return err
	}
	dial, err := dialer(c)
	if err != nil {
		return err
	}
	room := offered(c)
	exec, err := executor.New(executor.Config{
		Slots: c.Slots, Room: room, Dir: p.state.Path("executor"), Grace: c.Grace.Std(), Worker: c.Name, Log: p.log,
	})
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Config{
		ID: id, Name: c.Name, Version: version, Slots: c.Slots, Room: room, Dir: c.StateDir,
		Dial: dial, Executor: exec, Log: p.log, Ready: func() { notify("connected") },
	})
	if err != nil {
		return err
	}
	return execute(ctx, w, exec)
}

// execute runs the worker, and the executor until the worker lets go of it: its
// last reports go out through a session that is still there.
func execute(ctx context.Context, w *worker.Worker, exec *executor.Executor) error {
	group, inner := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	group.Go(func() error {
		defer close(stopped)
		return exec.Run(running)
	})
	group.Go(func() error {
		defer stop()
		return w.Run(inner, func() {
			stop()
			<-stopped
		})
	})
	return group.Wait()
}

// offered is the room that this machine has, or is told to have.
func offered(c *config.Worker) octaskly.Room {
	memory := int64(c.Memory)
	if memory == 0 {
		memory = resources.TotalMemory()
	}
	return octaskly.Room{octaskly.CPU: int64(c.CPUs), octaskly.Memory: memory}
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

// dialer opens sessions with the dispatcher. On the dispatcher's own machine it
// finds address and key by itself; the key may be there only later.
func dialer(c *config.Worker) (func(context.Context) (transport.Session, error), error) {
	address, file := c.Dispatcher, c.JoinKeyFile
	if address == "" {
		address = localDispatcher
	}
	if file == "" {
		state, err := dirs.State(dirs.Dispatcher)
		if err != nil {
			return nil, fmt.Errorf("cannot find the fleet key: give its file with --join-key-file: %w", err)
		}
		file = filepath.Join(state, keyFile)
	}
	return func(ctx context.Context) (transport.Session, error) {
		key, err := security.LoadKeyFile(file)
		if err != nil {
			return nil, err
		}
		link, err := transport.DialTCP(ctx, address, transport.Config{Key: key})
		if err != nil && c.Dispatcher == "" {
			err = fmt.Errorf("%w; where the dispatcher is elsewhere, say so with --dispatcher HOST:PORT", err)
		}
		return link, err
	}, nil
}
