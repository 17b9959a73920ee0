package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// withOthers adds a figure to those of measure: the part of all processor time,
// in percent, that went to other programs or to the host of a virtual machine.
// It is for a measure whose processes are all waited for when it returns.
//
// A busy machine makes ratios worthless: its processors are shared out by
// threads, and who has more of them, as more slots are, gets more.
func withOthers(measure func(context.Context, *lab) ([]float64, error)) func(context.Context, *lab) ([]float64, error) {
	return func(ctx context.Context, l *lab) ([]float64, error) {
		before, err := readLoad()
		if err != nil {
			return nil, err
		}
		figures, err := measure(ctx, l)
		if err != nil {
			return nil, err
		}
		after, err := readLoad()
		return append(figures, after.others(before)), err
	}
}

// load is processor time so far.
type load struct{ all, idle, ours time.Duration }

func (now load) others(before load) float64 {
	all := now.all - before.all
	others := all - (now.idle - before.idle) - (now.ours - before.ours)
	return max(0, 100*float64(others)/float64(max(all, tick)))
}

func readLoad() (load, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return load{}, err
	}
	l, err := parseLoad(string(text))
	if err != nil {
		return load{}, err
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if err := unix.Getrusage(who, &usage); err != nil {
			return load{}, os.NewSyscallError("getrusage", err)
		}
		l.ours += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return l, nil
}

// parseLoad reads "cpu user nice system idle iowait irq softirq steal guest …",
// the first line of proc_stat(5). What guests have is in user and nice, too.
func parseLoad(stat string) (l load, err error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return l, fmt.Errorf("cannot read /proc/stat: it begins with %.80q", line)
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return l, fmt.Errorf("cannot read /proc/stat: %w", err)
		}
		spent := time.Duration(ticks) * tick
		l.all += spent
		if i == 3 || i == 4 {
			l.idle += spent
		}
	}
	return l, nil
}
