package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

// lab is what probes work with.
type lab struct {
	dir     string // scratch directory
	program string // the path of true
	date    string // the path of date
	tasks   int    // commands in a sample
	samples int    // commands in a sample of latency
	procs   int    // processes of the floor
	profile string // directory for CPU profiles; empty: none
	sample  string // names the sample that is being taken
}

func newLab(o *options) (*lab, error) {
	l := &lab{tasks: o.tasks, samples: o.samples, procs: o.procs, profile: o.profile}
	for name, path := range map[string]*string{"true": &l.program, "date": &l.date} {
		found, err := exec.LookPath(name)
		if err != nil {
			return nil, err
		}
		*path = found
	}
	if l.profile != "" {
		if err := os.MkdirAll(l.profile, 0o755); err != nil {
			return nil, err
		}
	}
	var err error
	if l.dir, err = os.MkdirTemp(o.dir, "bench-"); err != nil {
		return nil, err
	}
	return l, os.Chmod(l.dir, 0o711) // for who runs the commands of an executor apart
}

func (l *lab) close() error { return os.RemoveAll(l.dir) }

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// slots is how many commands a worker runs at a time: while one waits for a
// pipe, another one has the processor.
func (l *lab) slots() int { return 2 * l.procs }

// rate is a sample's commands per second.
func (l *lab) rate(took time.Duration) float64 { return float64(l.tasks) / took.Seconds() }

// perTask is a sample's microseconds for each command.
func (l *lab) perTask(spent time.Duration) float64 {
	return float64(spent.Microseconds()) / float64(l.tasks)
}

// withCluster calls use with a new dispatcher and, unless slots is 0, a worker
// that is connected to it. An error comes with what the daemons have said.
func (l *lab) withCluster(ctx context.Context, slots int, use func(*cluster.Cluster) ([]float64, error)) ([]float64, error) {
	return l.with(ctx, use, func(c *cluster.Cluster) (daemons []*cluster.Daemon) {
		if slots > 0 {
			daemons = append(daemons, c.Worker("w1", "--slots", strconv.Itoa(slots)))
		}
		return daemons
	})
}

// withApart is withCluster with the worker and its executor in two processes, as
// the packages have them.
func (l *lab) withApart(ctx context.Context, slots int, use func(*cluster.Cluster) ([]float64, error)) ([]float64, error) {
	return l.with(ctx, use, func(c *cluster.Cluster) []*cluster.Daemon {
		w, x := c.Apart("w1", "--slots", strconv.Itoa(slots))
		return []*cluster.Daemon{x, w}
	})
}

// with starts a dispatcher and what workers makes.
func (l *lab) with(ctx context.Context, use func(*cluster.Cluster) ([]float64, error), workers func(*cluster.Cluster) []*cluster.Daemon) (figures []float64, err error) {
	options := cluster.Options{Parent: l.dir}
	if l.profile != "" {
		options.Profile = filepath.Join(l.profile, l.sample)
	}
	c, err := cluster.New(options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Dispatcher.Start(ctx); err != nil {
		return nil, err
	}
	for _, d := range workers(c) {
		if err := d.Start(ctx); err != nil {
			return nil, err
		}
	}
	if figures, err = use(c); err != nil {
		err = fmt.Errorf("%w\n%s", err, c.Logs())
	}
	return figures, err
}

// ctl is octasklyctl where only success will do.
func ctl(ctx context.Context, c *cluster.Cluster, args ...string) (stdout string, err error) {
	r := c.Ctl(ctx, args...)
	if r.Code != 0 {
		return "", fmt.Errorf("octasklyctl %s: exit code %d: %s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return strings.TrimSpace(r.Stdout), nil
}
