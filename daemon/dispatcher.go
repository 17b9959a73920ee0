package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/dispatcher"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// keyFile is the fleet key's name in a dispatcher's state directory.
const keyFile = "fleet.key"

func dispatcherCommand() *cli.Command {
	return &cli.Command{
		Name:   "dispatcher",
		Usage:  "accept work, keep it on disk and give it to workers",
		Flags:  configFlags(dirs.Dispatcher),
		Before: noArguments,
		Action: func(c *cli.Context) error {
			loaded, err := config.LoadDispatcher(sources(c, dirs.Dispatcher))
			if err != nil {
				return fmt.Errorf("cannot use the configuration:\n%w", err)
			}
			return runDispatcher(c.Context, loaded, c.App.ErrWriter)
		},
	}
}

// runDispatcher puts the parts together and serves until ctx is done.
func runDispatcher(ctx context.Context, c *config.Dispatcher, stderr io.Writer) error {
	p, err := begin(c.Common, stderr)
	if err != nil {
		return err
	}
	defer p.end()
	key, err := fleetKey(c)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, p.state.Path("octaskly.db"), p.log)
	if err != nil {
		return err
	}
	defer db.Close()
	d, err := dispatcher.New(dispatcher.Config{
		Dir: c.StateDir, Fleet: c.Fleet, Version: version, MaxOutput: int64(c.Limits.MaxOutput),
		MaxQueued: c.Limits.MaxQueued, Lease: c.Limits.Lease.Std(), Linger: c.Limits.CommitLinger.Std(), Log: p.log,
	}, db)
	if err != nil {
		return err
	}
	return serve(ctx, c, d, key, func(status string) {
		p.log.Info("Dispatcher is ready", "status", status, "socket", c.Socket, "key", keyPath(c))
	})
}

// fleetKey is the key that workers must know; a dispatcher without one makes it.
func fleetKey(c *config.Dispatcher) (security.Key, error) {
	if c.JoinKeyFile != "" {
		return security.LoadKeyFile(c.JoinKeyFile)
	}
	key, _, err := security.LoadOrCreateKeyFile(keyPath(c))
	return key, err
}

func keyPath(c *config.Dispatcher) string {
	return cmp.Or(c.JoinKeyFile, filepath.Join(c.StateDir, keyFile))
}

// serve opens the doors: the control socket and the workers' port.
func serve(ctx context.Context, c *config.Dispatcher, d *dispatcher.Dispatcher, key security.Key, ready func(string)) error {
	control, err := api.Listen(c.Socket)
	if err != nil {
		return err
	}
	defer control.Close()
	port, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot await workers on %q: %w", c.Listen, err)
	}
	workers, err := transport.ListenTCP(port, transport.Config{Key: key, Refused: func(addr string, why error) {
		d.Log.Warn("Connection is refused", "address", addr, "reason", why)
	}})
	if err != nil {
		port.Close()
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return d.Run(ctx, workers, func() {
			status := "listening on " + workers.Addr().String()
			ready(status)
			notify(status)
		})
	})
	group.Go(func() error { return api.Serve(ctx, control, api.New(d, version, d.Log), d.Log) })
	return group.Wait()
}
