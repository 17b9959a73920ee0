package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/test/cluster"
)

const (
	grace      = 500 * time.Millisecond
	roomInside = "8"  // processors of workers with their executor inside
	roomApart  = "64" // and of executors apart, for tasks that must go there
	askAlone   = 12   // processors
)

// rig is a fleet and what can be done to it.
type rig struct {
	fleet   fleet
	cluster *cluster.Cluster
	daemons map[string]*cluster.Daemon
	links   map[string]*cluster.Proxy // by worker
	client  *client.Client
	ledger  string // path
	program string // of every task
	mark    string // in the command line of every task
}

// build makes a fleet that does not run yet, below parent.
func build(parent string, lease time.Duration, f fleet, mark string) (r *rig, err error) {
	c, err := cluster.New(cluster.Options{
		Parent:          parent,
		DispatcherFlags: []string{"--limits-lease", lease.String(), "--limits-max-losses", "1000"},
		WorkerFlags:     []string{"--grace", grace.String(), "--cpus", roomInside},
	})
	if err != nil {
		return nil, err
	}
	r = &rig{
		fleet: f, cluster: c, mark: mark, ledger: filepath.Join(c.Dir, "ledger", "marks"), program: filepath.Join(c.Dir, "ledger", "attempt"),
		daemons: map[string]*cluster.Daemon{dispatcherName: c.Dispatcher}, links: map[string]*cluster.Proxy{},
		client: client.New(client.Options{Socket: c.Socket(), Timeout: answerTime}),
	}
	for _, name := range f.Inside {
		r.daemons[name] = c.Worker(name)
	}
	for _, name := range f.Apart {
		r.daemons[name], r.daemons[executorOf(name)] = c.Apart(name, "--grace", grace.String(), "--cpus", roomApart)
	}
	return r, r.furnish()
}

// furnish makes the ledger, which everybody may write to, and its program.
func (r *rig) furnish() error {
	dir := filepath.Dir(r.ledger)
	if err := errors.Join(os.Mkdir(dir, 0o711), os.Chmod(dir, 0o711), os.WriteFile(r.ledger, nil, 0o600), os.Chmod(r.ledger, 0o666)); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", r.program, "github.com/octaskly/octaskly/test/chaos/attempt")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the command of tasks: %w\n%s", err, said)
	}
	return os.Chmod(r.program, 0o755)
}

// start starts everybody and waits until they are ready.
func (r *rig) start(ctx context.Context) error {
	if err := r.cluster.Dispatcher.Start(ctx); err != nil {
		return err
	}
	for _, name := range r.fleet.workers() {
		var err error
		if r.links[name], err = r.cluster.Proxy(name); err != nil {
			return err
		}
	}
	for _, name := range append(r.fleet.executors(), r.fleet.workers()...) {
		if err := r.daemons[name].Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// names lists the daemons in the order in which they can be stopped.
func (r *rig) names() []string {
	return slices.Concat(r.fleet.workers(), r.fleet.executors(), []string{dispatcherName})
}

// close ends everything; where keep is set, the scratch directory stays.
func (r *rig) close(keep bool) error {
	r.client.Close()
	if keep {
		return r.cluster.End()
	}
	return r.cluster.Close()
}

// fallen names daemons that do not run although nobody ended them.
func (r *rig) fallen() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(r.daemons)) {
		if r.daemons[name].PID() == 0 {
			names = append(names, name)
		}
	}
	return names
}
