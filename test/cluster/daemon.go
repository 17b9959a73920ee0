package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// stopPatience is how long a daemon may take to end after TERM: commands get a
// grace of 10 s.
const stopPatience = 20 * time.Second

var errNotRunning = errors.New("it is not running")

// Daemon is one octasklyd, which may run many times.
type Daemon struct {
	Name string

	cluster *Cluster
	args    func() []string // of the next run
	socket  string          // control socket
	notify  string          // socket for sd_notify(3)
	says    string          // how its status begins when it is ready
	log     string          // file with what it says
	run     *run            // the latest; nil before the first
	killed  bool            // it was, by KILL, and may have left commands
}

func (c *Cluster) daemon(name, says string, args func() []string) *Daemon {
	return &Daemon{
		Name: name, says: says, cluster: c, args: args,
		socket: c.path(name + ".sock"), notify: c.path(name + ".notify"), log: c.path(name + ".log"),
	}
}

// Start launches the daemon and awaits that it is ready: a dispatcher listens, a
// worker is connected, an executor serves.
func (d *Daemon) Start(ctx context.Context) error {
	if err := d.Launch(); err != nil {
		return err
	}
	return d.AwaitReady(ctx)
}

// Launch returns as soon as the process is there.
func (d *Daemon) Launch() (err error) {
	if d.running() {
		return fmt.Errorf("cannot start %s: it is running", d.Name)
	}
	if d.run, err = launch(d); err != nil {
		return fmt.Errorf("cannot start %s: %w", d.Name, err)
	}
	return nil
}

// AwaitReady returns an error when the daemon ends instead, or ctx is done.
func (d *Daemon) AwaitReady(ctx context.Context) error {
	if d.run == nil {
		return fmt.Errorf("cannot await %s: %w", d.Name, errNotRunning)
	}
	select {
	case <-d.run.notices.ready:
	case <-d.run.ended:
		return fmt.Errorf("cannot await %s: it has ended: %v; it said:\n%s", d.Name, d.run.state(), d.Logs())
	case <-ctx.Done():
		return fmt.Errorf("cannot await %s: %w; it said:\n%s", d.Name, context.Cause(ctx), d.Logs())
	}
	if address, ok := strings.CutPrefix(d.run.notices.status, "listening on "); ok && d == d.cluster.Dispatcher {
		d.cluster.address = address
		d.cluster.rest = lastOf(restSaid, d.Logs())
	}
	return nil
}

// Ready reports whether the daemon runs and has said that it is ready.
func (d *Daemon) Ready() bool {
	if !d.running() {
		return false
	}
	select {
	case <-d.run.notices.ready:
		return true
	default:
		return false
	}
}

// PID is the process's id while it runs, else 0.
func (d *Daemon) PID() int {
	if !d.running() {
		return 0
	}
	return d.run.cmd.Process.Pid
}

func (d *Daemon) running() bool {
	if d.run == nil {
		return false
	}
	select {
	case <-d.run.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal and returns at once.
func (d *Daemon) Signal(sig os.Signal) error {
	if !d.running() {
		return fmt.Errorf("cannot send %v to %s: %w", sig, d.Name, errNotRunning)
	}
	if err := d.run.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("cannot send %v to %s: %w", sig, d.Name, err)
	}
	return nil
}

// Reload sends HUP and awaits that the daemon is ready again.
func (d *Daemon) Reload(ctx context.Context) error {
	if err := d.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	select {
	case <-d.run.notices.again:
		return nil
	case <-d.run.ended:
		return fmt.Errorf("cannot reload %s: it has ended; it said:\n%s", d.Name, d.Logs())
	case <-ctx.Done():
		return fmt.Errorf("cannot reload %s: %w; it said:\n%s", d.Name, context.Cause(ctx), d.Logs())
	}
}

// Socket is the daemon's control socket.
func (d *Daemon) Socket() string { return d.socket }

// Wait returns the exit code, -1 if a signal ended it.
func (d *Daemon) Wait(ctx context.Context) (int, error) {
	if d.run == nil {
		return 0, fmt.Errorf("cannot wait for %s: %w", d.Name, errNotRunning)
	}
	select {
	case <-d.run.ended:
		return d.run.state().ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("cannot wait for %s: %w", d.Name, context.Cause(ctx))
	}
}

// Kill ends the daemon by KILL, as a crash would, and waits for its end. A
// worker's commands go on until the next worker with its state directory starts,
// or the cluster is closed.
func (d *Daemon) Kill() error {
	if !d.running() {
		return fmt.Errorf("cannot kill %s: %w", d.Name, errNotRunning)
	}
	d.killed = true
	d.cluster.left = append(d.cluster.left, descendants(d.PID())...)
	err := d.run.cmd.Process.Kill()
	<-d.run.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop ends the daemon by TERM and waits for its end; one that does not run is
// left alone. The error says that it failed, or had to be killed.
func (d *Daemon) Stop() error {
	if !d.running() {
		return nil
	}
	if err := d.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return d.AwaitStop()
}

// AwaitStop is the rest of Stop, for a daemon that TERM was sent to.
func (d *Daemon) AwaitStop() error {
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	select {
	case <-d.run.ended:
	case <-patience.C:
		return errors.Join(fmt.Errorf("cannot stop %s: it goes on %v after TERM; it said:\n%s", d.Name, stopPatience, d.Logs()), d.Kill())
	}
	if state := d.run.state(); !state.Success() && !d.run.early() {
		return fmt.Errorf("cannot stop %s properly: %v; it said:\n%s", d.Name, state, d.Logs())
	}
	return nil
}

// Restart is Stop and Start.
func (d *Daemon) Restart(ctx context.Context) error {
	if err := d.Stop(); err != nil {
		return err
	}
	return d.Start(ctx)
}
