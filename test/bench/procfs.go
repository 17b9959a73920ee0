package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of proc_pid_stat(5): USER_HZ is 100 on every Linux that Go
// runs on.
const tick = 10 * time.Millisecond

// processor is the processor time of a process and of the children that it has
// waited for.
type processor struct{ own, children time.Duration }

func readProcessor(pid int) (processor, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processor{}, err
	}
	return parseProcessor(text)
}

// parseProcessor reads "pid (name) state … utime stime cutime cstime …", where
// utime is field 14. The name may contain anything.
func parseProcessor(stat []byte) (p processor, err error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return p, fmt.Errorf("cannot read process status %.80q", stat)
	}
	for i, to := range []*time.Duration{&p.own, &p.own, &p.children, &p.children} {
		ticks, err := strconv.ParseInt(string(fields[11+i]), 10, 64)
		if err != nil {
			return p, fmt.Errorf("cannot read process status %.80q: %w", stat, err)
		}
		*to += time.Duration(ticks) * tick
	}
	return p, nil
}

// memory is what a process holds, in units of 10⁶ bytes.
type memory struct{ rss, anon float64 }

func readMemory(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseMemory(string(text))
}

// parseMemory reads VmRSS and RssAnon of proc_pid_status(5), which are in KiB.
func parseMemory(status string) (m memory, err error) {
	found := 0
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*float64{"VmRSS": &m.rss, "RssAnon": &m.anon}[name]
		if to == nil {
			continue
		}
		number, _ := strings.CutSuffix(strings.TrimSpace(value), " kB")
		kib, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return m, fmt.Errorf("cannot read process status: %w", err)
		}
		*to = kib * 1024 / 1e6
		found++
	}
	if found != 2 {
		return m, fmt.Errorf("cannot read process status: no VmRSS and RssAnon in it")
	}
	return m, nil
}
