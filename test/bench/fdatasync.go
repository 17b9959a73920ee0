package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/test/bench/numbers"
)

// fdatasyncProbe is the price of durability on the disk that the rest runs on.
func fdatasyncProbe(*lab) probe {
	return probe{
		name: "fdatasync",
		rows: []row{
			{name: "fdatasync p50", unit: millis, about: "append of 4 KiB in the scratch directory"},
			{name: "fdatasync p99", unit: millis},
		},
		measure: measureFdatasync,
	}
}

func measureFdatasync(ctx context.Context, l *lab) ([]float64, error) {
	const appends = 300
	path := l.path("synced")
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	defer file.Close()
	var block [4096]byte
	var took []float64
	for range appends {
		start := time.Now()
		if _, err := file.Write(block[:]); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(file.Fd())); err != nil {
			return nil, fmt.Errorf("cannot sync %q: %w", path, err)
		}
		took = append(took, numbers.InMillis(time.Since(start)))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return []float64{numbers.Quantile(took, 0.5), numbers.Quantile(took, 0.99)}, nil
}
