package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// xargsProbe is what people use where they have one machine and nothing else.
func xargsProbe(l *lab) probe {
	return probe{
		name: xargsRow,
		rows: []row{
			{name: xargsRow, unit: rate, about: fmt.Sprintf("xargs -P%d -n1, output not captured", l.procs)},
			{name: "xargs CPU", unit: micros},
		},
		measure: withCPU(measureXargs),
	}
}

func measureXargs(ctx context.Context, l *lab) ([]float64, error) {
	cmd := exec.CommandContext(ctx, "xargs", "-P"+strconv.Itoa(l.procs), "-n1", l.program)
	cmd.Stdin = strings.NewReader(strings.Repeat("x\n", l.tasks))
	start := time.Now()
	if _, err := output(cmd); err != nil {
		return nil, err
	}
	return []float64{l.rate(time.Since(start))}, nil
}
