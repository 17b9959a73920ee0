package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/accounts"
	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/dispatcher"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/systemd"
	"github.com/octaskly/octaskly/internal/transport"
)

func dispatcherCommand() *cli.Command {
	return &cli.Command{
		Name:            "dispatcher",
		Usage:           "accept work, keep it on disk and give it to workers",
		Flags:           configFlags(dirs.Dispatcher),
		HideHelpCommand: true,
		Subcommands:     []*cli.Command{backupCommand(), restoreCommand(), rotateCommand()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil { // not Before, which would refuse backup
				return err
			}
			load := func() (*config.Dispatcher, error) { return config.LoadDispatcher(sources(c, dirs.Dispatcher)) }
			if c.Bool(uiFlag.Name) {
				return runDispatcherUI(c.Context, load, c.App.ErrWriter)
			}
			return runDispatcher(c.Context, load, c.App.ErrWriter, nil)
		},
	}
}

// runDispatcher puts the parts together and serves until ctx is done. Without a
// screen, u is nil.
func runDispatcher(ctx context.Context, load func() (*config.Dispatcher, error), stderr io.Writer, u *ui) error {
	c, err := load()
	if err != nil {
		return fmt.Errorf("cannot use the configuration:\n%w", err)
	}
	p, err := begin(c.Common, u.logTo(stderr))
	if err != nil {
		return err
	}
	defer p.end()
	if err := u.begin(p, c.StateDir); err != nil {
		return err
	}
	keys, err := fleetKeys(c)
	if err != nil {
		return err
	}
	tellFormer(p.log, keys)
	db, err := openStore(ctx, p)
	if err != nil {
		return err
	}
	defer db.Close()
	vault := keys.Vault()
	isNew := !isThere(filepath.Join(c.StateDir, backup.Authority))
	authorities, err := openAuthorities(c.StateDir, vault, p.log) // first: with another fleet key, accounts would end all logins
	if err != nil {
		return err
	}
	rest, err := openRest(p, &c.Door, func() (certificates, error) { return ofAuthority(c, authorities, p.log) })
	if err != nil {
		return err
	}
	defer rest.close()
	joins, err := openRoster(c, p, db, keys, authorities)
	if err != nil {
		return err
	}
	if isNew {
		joins.warnOrphans(p.log)
	}
	known, err := accounts.New(accounts.Config{
		Store: db, Keys: keys, Quotas: quotas(c.Quotas), Log: p.log,
		AuditAge: c.Retention.Audit.Std(), AuditRows: c.Retention.AuditRows,
	})
	if err != nil {
		return err
	}
	joins.record = known.Record
	d, err := newDispatcher(c, p, db, vault, known, joins)
	if err != nil {
		return err
	}
	if err := serveAndReload(ctx, p, c, &parts{d, known, rest, keys, joins}, load); err != nil {
		return err
	}
	p.log.Info("Dispatcher has stopped")
	return nil
}

func newDispatcher(c *config.Dispatcher, p *process, db *store.Store, vault *security.Vault, known *accounts.Accounts, joins *entry) (*dispatcher.Dispatcher, error) {
	policy, err := octaskly.ParsePolicy(c.Sandbox, c.SandboxFloor, c.Preset)
	if err != nil {
		return nil, err
	}
	return dispatcher.New(dispatcher.Config{
		Dir: c.StateDir, Fleet: c.Fleet, Version: version, MaxOutput: int64(c.Limits.MaxOutput),
		MaxQueued: c.Limits.MaxQueued, Lease: c.Limits.Lease.Std(), Linger: c.Limits.CommitLinger.Std(),
		MaxLosses: int(c.Limits.MaxLosses), Policy: policy, Retention: retention(c.Retention), Log: p.log,
		Vault: vault, Quota: known.Quota, Callers: known, Roster: joins.Roster,
	}, db)
}

// serveAndReload serves until ctx is done, and looks after accounts for longer:
// what is answered at the end is written down, too.
func serveAndReload(ctx context.Context, p *process, c *config.Dispatcher, with *parts, load func() (*config.Dispatcher, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	served, over := context.WithCancel(context.WithoutCancel(ctx))
	hup := hangups()
	group.Go(func() error { return with.accounts.Run(served) })
	group.Go(func() error { return with.joins.Run(served) })
	group.Go(func() error {
		defer over()
		return serve(ctx, p, c, with)
	})
	group.Go(func() error {
		return p.reloadOnHangup(ctx, hup, func() (config.Common, error) {
			fresh, err := load()
			if err == nil {
				with.reload(ctx, fresh)
			}
			return fresh.Common, err
		})
	})
	return group.Wait()
}

// openStore opens the database. What is saved of a damaged one may take longer
// than a service may take to start.
func openStore(ctx context.Context, p *process) (*store.Store, error) {
	opened := make(chan struct{})
	var extending sync.WaitGroup
	extending.Go(func() { systemd.ExtendUntil(opened) })
	defer extending.Wait()
	defer close(opened)
	return store.Open(ctx, p.state.Path("octaskly.db"), p.log)
}

func retention(r config.Retention) dispatcher.Retention {
	return dispatcher.Retention{Age: r.Age.Std(), Tasks: r.Tasks, Output: int64(r.Output)}
}

func quotas(q config.Quotas) octaskly.Quota {
	return octaskly.Quota{Queued: q.Queued, Running: q.Running, Rate: float64(q.Submits)}
}

// parts is what the doors lead to.
type parts struct {
	*dispatcher.Dispatcher
	accounts *accounts.Accounts
	rest     *restDoor
	keys     security.Keys
	joins    *entry
}

// reload has count from now on what does without a start.
func (d *parts) reload(ctx context.Context, fresh *config.Dispatcher) {
	d.joins.SetPolicy(policyOf(fresh.Join))
	if isNewKey(fresh, d.keys) {
		d.Log.Warn("The fleet key was rotated; the next one, and what has become of the authority, count when this dispatcher starts again")
		return
	}
	d.joins.authorities.reload()
	if err := d.Dismiss(ctx, d.joins.authorities.signed); err != nil {
		d.Log.Error("Cannot tell which workers' certificates still count", "error", err)
	}
}

// serve opens the doors: the control socket and the workers' port.
func serve(ctx context.Context, p *process, c *config.Dispatcher, d *parts) error {
	control, err := p.control(c.Socket)
	if err != nil {
		return err
	}
	defer control.Close()
	port, err := workersPort(p, c)
	if err != nil {
		return err
	}
	udp := workersUDP(p, c, port)
	p.warnUnused()
	workers, err := listenForWorkers(port, udp, d.joins.transport(transport.Config{Key: d.keys.Present(), Slow: tellSlow(d.Log), Refused: func(addr string, why error) {
		d.Log.Warn("Connection is refused", "address", addr, "reason", why)
	}}))
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return d.Run(ctx, workers, func() {
			status := "listening on " + workers.Addr().String()
			p.log.Info("Dispatcher is ready", "status", status, "socket", control.Addr().String(), "rest", d.rest.address(), "key", keyPath(c))
			warnUnboxed(p.log, d.rest, d.DefaultLevel(), installed())
			systemd.Ready(status)
			p.listening(control.Addr().String())
		})
	})
	handler := api.New(d, d.accounts, api.Config{
		Version: version, Access: api.AccessList(c.Access), Origins: c.CORSOrigins,
		Rate: float64(c.Rest.Requests), Burst: int(c.Rest.Burst), Roster: d.joins.Roster, Log: d.Log,
		Metrics: []api.Meter{processMeter(dirs.Dispatcher), d.Metrics},
	})
	group.Go(func() error { return api.Serve(ctx, control, handler, d.Log) })
	group.Go(func() error { return d.rest.serve(ctx, handler, d.Log) })
	group.Go(func() error {
		announceUntil(ctx, p, c, d, workers.Addr(), udp != nil)
		return nil
	})
	group.Go(func() error {
		systemd.Watchdog(ctx, d.Check, p.log)
		return nil
	})
	return group.Wait()
}

// workersPort is where workers are awaited.
func workersPort(p *process, c *config.Dispatcher) (net.Listener, error) {
	port, err := p.sockets.Listener("workers")
	if port != nil || err != nil {
		return port, err
	}
	if port, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("cannot await workers on %q: %w", c.Listen, err)
	}
	return port, nil
}
