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

// processorTime is what a process has used itself, without its children.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseTime(text)
}

// parseTime reads "pid (name) state … utime stime …": fields 14 and 15 of all.
// The name may contain anything.
func parseTime(stat []byte) (time.Duration, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("cannot read process status %.80q", stat)
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cannot read process status %.80q: %w", stat, err)
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
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
