package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/dispatcher"
	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
	"github.com/octaskly/octaskly/internal/worker"
)

// nullTasks is enough that starting and stopping do not count.
const nullTasks = 200_000

// nullProbe is what is ours of a task's cost: dispatcher, worker and the TLS
// session between them, in one process, with an executor that executes nothing.
// Every attempt and every end is as durable as ever.
func nullProbe(*lab) probe {
	return probe{
		name: "null",
		rows: []row{{
			name: "null executor", unit: rate, aims: []aim{atLeast(50_000, "")},
			about: fmt.Sprintf("tasks of an array of %d through both daemons in one process, nothing executed", nullTasks),
		}},
		measure: measureNull,
	}
}

func measureNull(ctx context.Context, l *lab) ([]float64, error) {
	dir := l.path("null")
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, filepath.Join(dir, "octaskly.db"), log)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	d, err := dispatcher.New(dispatcher.Config{
		Dir: dir, Fleet: "bench", MaxOutput: 1 << 20, MaxQueued: 1 << 30, Lease: time.Minute, Linger: 10 * time.Millisecond, Log: log,
	}, db)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	group, inner := errgroup.WithContext(inner)
	group.Go(func() error { return runNull(inner, group, d, dir, log) })
	group.Go(func() (err error) {
		defer cancel()
		took, err = timeNull(inner, d)
		return err
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return []float64{nullTasks / took.Seconds()}, ctx.Err()
}

// runNull runs the dispatcher, and a worker once that listens.
func runNull(ctx context.Context, group *errgroup.Group, d *dispatcher.Dispatcher, dir string, log *slog.Logger) error {
	key := security.GenerateKey()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	listener, err := transport.ListenTCP(port, transport.Config{Key: key})
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Config{
		ID: "0123456789abcdef", Name: "null", Slots: 4, Dir: dir, Executor: newNullExecutor(), Log: log, Status: func(string) {},
		Dial: func(ctx context.Context) (transport.Session, error) {
			return transport.DialTCP(ctx, port.Addr().String(), transport.Config{Key: key})
		},
	})
	if err != nil {
		return err
	}
	return d.Run(ctx, listener, func() {
		group.Go(func() error { return w.Run(ctx, func() {}) })
	})
}

func timeNull(ctx context.Context, d *dispatcher.Dispatcher) (time.Duration, error) {
	who := api.Caller{Name: "bench", Admin: true}
	order := &api.Order{
		Job:  octaskly.Job{Elements: octaskly.Span(0, nullTasks-1), Array: true},
		Spec: octaskly.Spec{Argv: []string{"true"}},
	}
	start := time.Now()
	id, _, err := d.Submit(ctx, who, order)
	if err != nil {
		return 0, err
	}
	err = d.Watch(ctx, who, octaskly.TaskID{Job: id}, func(*api.Job) error { return nil })
	return time.Since(start), err
}

// nullExecutor ends every attempt as soon as it is offered.
type nullExecutor struct {
	wake chan struct{}

	mu    sync.Mutex
	ended []protocol.Finished
}

func newNullExecutor() *nullExecutor { return &nullExecutor{wake: make(chan struct{}, 1)} }

func (x *nullExecutor) Offer(attempts []*executor.Attempt) error {
	now := time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, a := range attempts {
		x.ended = append(x.ended, protocol.Finished{ID: a.ID, End: octaskly.End{State: octaskly.Completed, StartedAt: now, EndedAt: now}})
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
	return nil
}

func (x *nullExecutor) Take() ([]protocol.Started, []protocol.Finished) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ended := x.ended
	x.ended = nil
	return nil, ended
}

func (x *nullExecutor) Wake() <-chan struct{}                            { return x.wake }
func (x *nullExecutor) Idle() bool                                       { return true }
func (x *nullExecutor) Held() (string, []protocol.Held)                  { return "", nil }
func (x *nullExecutor) Unacknowledged() []protocol.Finished              { return nil }
func (x *nullExecutor) Stop(octaskly.AttemptID, bool)                    {}
func (x *nullExecutor) Recall([]octaskly.AttemptID) []octaskly.AttemptID { return nil }
func (x *nullExecutor) Signal(octaskly.AttemptID, int) error             { return nil }
func (x *nullExecutor) Output(octaskly.AttemptID) (*spool.Log, bool)     { return nil, false }
func (x *nullExecutor) Release([]octaskly.AttemptID)                     {}
func (x *nullExecutor) Features() []string                               { return []string{octaskly.LevelNone.Feature()} }
func (x *nullExecutor) Call(string)                                      {}
func (x *nullExecutor) Renew(executor.Moment, time.Duration)             {}
func (x *nullExecutor) Checks() []octaskly.Check                         { return nil }
func (x *nullExecutor) Usage() []protocol.Usage                          { return nil }
