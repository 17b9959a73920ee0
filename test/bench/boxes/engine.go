package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// engine is an executor, and who asks it to run commands, as a worker does.
type engine struct {
	x    *executor.Executor
	stop context.CancelFunc
	ran  chan error

	mu      sync.Mutex
	job     octaskly.JobID
	waiting map[octaskly.AttemptID]chan protocol.Finished
}

const slots = 4

// firstUID is of users that nobody else has.
const firstUID = 1 << 30

func startEngine(l *lab) (*engine, error) {
	account, err := executor.LookupAccount("nobody")
	if err != nil {
		return nil, err
	}
	x, err := executor.New(executor.Config{
		Slots: slots, Dir: l.path("state"), Worker: "bench", Account: account,
		Log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Boxes: executor.Boxes{Init: l.init, FirstUID: firstUID, Pool: l.o.pool, Untried: octaskly.Levels},
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &engine{x: x, stop: stop, ran: make(chan error, 2), waiting: map[octaskly.AttemptID]chan protocol.Finished{}}
	go func() { e.ran <- x.Run(ctx) }()
	go func() { e.listen(ctx); e.ran <- nil }()
	return e, nil
}

func (e *engine) close() error {
	e.stop()
	return errors.Join(<-e.ran, <-e.ran)
}

// listen hands ends to whoever waits for them.
func (e *engine) listen(ctx context.Context) {
	var ids []octaskly.AttemptID
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.x.Wake():
		}
		_, finished := e.x.Take()
		ids = ids[:0]
		for _, f := range finished {
			e.mu.Lock()
			e.waiting[f.ID] <- f
			delete(e.waiting, f.ID)
			e.mu.Unlock()
			ids = append(ids, f.ID)
		}
		e.x.Release(ids)
	}
}

// execute runs a command to its end.
func (e *engine) execute(spec *octaskly.Spec) (octaskly.End, error) {
	told := make(chan protocol.Finished, 1)
	e.mu.Lock()
	e.job++
	id := octaskly.AttemptID{Job: e.job, Number: 1}
	e.waiting[id] = told
	e.mu.Unlock()
	if err := e.x.Offer([]*executor.Attempt{{ID: id, Generation: "bench", Spec: spec}}); err != nil {
		return octaskly.End{}, err
	}
	f := <-told
	if f.End.State != octaskly.Completed {
		return f.End, fmt.Errorf("it ends with %v %s: %s", f.End.State, f.End.Reason, f.End.Detail)
	}
	return f.End, nil
}

// openFiles is the limit of preset default.
var openFiles = octaskly.Presets["default"].OpenFiles

// limits are those of preset default that can be set at a level here.
func (e *engine) limits(level octaskly.Level) octaskly.Limits {
	l := octaskly.Presets["default"].Limits
	for feature, field := range map[string]*int64{
		octaskly.LimitMemory: &l.Memory, octaskly.LimitDisk: &l.Disk, octaskly.LimitProcesses: &l.Processes, octaskly.LimitCPUTime: (*int64)(&l.CPUTime),
	} {
		if !slices.Contains(e.x.Features(), feature) {
			*field = 0
		}
	}
	if _, err := e.execute(spec(level, octaskly.Limits{OpenFiles: openFiles})); err != nil { // level none takes CAP_SYS_RESOURCE for it
		l.OpenFiles = 0
	}
	return l
}

func spec(level octaskly.Level, l octaskly.Limits) *octaskly.Spec {
	return &octaskly.Spec{Argv: []string{"true"}, Level: level, Limits: l, HostNetwork: level < octaskly.LevelStrict}
}

// way runs true at a level.
func (e *engine) way(level octaskly.Level, l octaskly.Limits, stages *stages) func() error {
	spec := spec(level, l)
	return func() error {
		began := time.Now()
		end, err := e.execute(spec)
		if err == nil {
			stages.add(end.StartedAt.Sub(began), end.EndedAt.Sub(end.StartedAt), time.Since(end.EndedAt))
		}
		return err
	}
}
