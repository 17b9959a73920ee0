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

type measure func(context.Context, *lab) ([]float64, error)

// withCPU adds the processor time of one command to the figures of m, whose
// processes must all have been waited for when it returns.
func withCPU(m measure) measure {
	return m.with(func(l *lab, before, after load) float64 { return l.perTask(after.ours - before.ours) })
}

// withOthers adds the part of all processor time, in percent, that went to other
// programs or to the host of a virtual machine.
//
// A busy machine makes ratios of rates worthless: its processors are shared out
// by threads, and who has more of them, as more slots are, gets more. Processor
// time suffers less.
func withOthers(m measure) measure {
	return m.with(func(_ *lab, before, after load) float64 { return after.others(before) })
}

func (m measure) with(figure func(l *lab, before, after load) float64) measure {
	return func(ctx context.Context, l *lab) ([]float64, error) {
		before, err := readLoad()
		if err != nil {
			return nil, err
		}
		figures, err := m(ctx, l)
		if err != nil {
			return nil, err
		}
		after, err := readLoad()
		return append(figures, figure(l, before, after)), err
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
