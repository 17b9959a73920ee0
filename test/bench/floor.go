package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

//go:embed floor/floor.c
var floorSource []byte

// floorProbe is what every other rate is compared with: no runner of commands
// that captures output can do better, give or take.
func floorProbe(l *lab) probe {
	about, take := fmt.Sprintf("C posix_spawn, both outputs piped, %d processes", l.procs), measureFloor
	if _, err := exec.LookPath("gcc"); err != nil {
		about = fmt.Sprintf("no gcc here: Go ForkExec, both outputs piped, %d goroutines", l.procs)
		take = withOthers(withCPU(spawners(l.procs)))
	}
	return probe{
		name: floorRow,
		rows: []row{
			{name: floorRow, unit: rate, about: about},
			{name: floorTimeRow, unit: micros, about: "of processor time for each command"},
			{name: othersRow, unit: percent, about: "of the processors went to other programs meanwhile"},
		},
		measure: take,
	}
}

func measureFloor(ctx context.Context, l *lab) ([]float64, error) {
	program, err := l.floorProgram(ctx)
	if err != nil {
		return nil, err
	}
	return withOthers(withCPU(func(ctx context.Context, l *lab) ([]float64, error) {
		said, err := output(exec.CommandContext(ctx, program, strconv.Itoa(l.tasks), strconv.Itoa(l.procs), l.program))
		if err != nil {
			return nil, err
		}
		figure, err := strconv.ParseFloat(strings.TrimSpace(string(said)), 64)
		return []float64{figure}, err
	}))(ctx, l)
}

// floorProgram compiles the floor the first time.
func (l *lab) floorProgram(ctx context.Context) (string, error) {
	path := l.path("floor")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	cmd := exec.CommandContext(ctx, "gcc", "-O2", "-x", "c", "-o", path, "-")
	cmd.Stdin = bytes.NewReader(floorSource)
	if _, err := output(cmd); err != nil {
		return "", fmt.Errorf("cannot compile the floor: %w", err)
	}
	return path, nil
}
