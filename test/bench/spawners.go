package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// spawnersProbe is the most that an executor in Go can reach with nothing around
// it.
func spawnersProbe(l *lab) probe {
	return probe{
		name: "go",
		rows: []row{
			{name: "go", unit: rate, about: fmt.Sprintf("Go ForkExec, both outputs piped, %d goroutines", l.slots())},
			{name: "go CPU", unit: micros},
		},
		measure: withCPU(spawners(l.slots())),
	}
}

// spawners run the program in so many goroutines.
func spawners(goroutines int) measure {
	return func(ctx context.Context, l *lab) ([]float64, error) {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return nil, err
		}
		defer null.Close()
		s := spawner{program: l.program, env: os.Environ(), null: null.Fd()}
		group, ctx := errgroup.WithContext(ctx)
		var taken atomic.Int64
		start := time.Now()
		for range goroutines {
			group.Go(func() error {
				for taken.Add(1) <= int64(l.tasks) && ctx.Err() == nil {
					if err := s.run(); err != nil {
						return fmt.Errorf("cannot run %q: %w", s.program, err)
					}
				}
				return context.Cause(ctx)
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		return []float64{l.rate(time.Since(start))}, nil
	}
}

// spawner does what floor/floor.c does.
type spawner struct {
	program string
	env     []string
	null    uintptr
}

func (s *spawner) run() error {
	var out, errs [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(out[0])
	if err := unix.Pipe2(errs[:], unix.O_CLOEXEC); err != nil {
		unix.Close(out[1])
		return err
	}
	defer unix.Close(errs[0])
	pid, err := syscall.ForkExec(s.program, []string{s.program}, &syscall.ProcAttr{
		Env: s.env, Files: []uintptr{s.null, uintptr(out[1]), uintptr(errs[1])},
	})
	unix.Close(out[1])
	unix.Close(errs[1])
	if err != nil {
		return err
	}
	return errors.Join(drain(out[0]), drain(errs[0]), reap(pid))
}

func drain(fd int) error {
	var buf [4096]byte
	for {
		if n, err := unix.Read(fd, buf[:]); n == 0 || err != nil && err != unix.EINTR {
			return err
		}
	}
}

func reap(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err == nil && status != 0 {
			return fmt.Errorf("it ended with wait status %#x", int(status))
		}
		if err != unix.EINTR {
			return err
		}
	}
}
