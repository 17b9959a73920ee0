package resources

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// process is what proc_pid_stat(5) says of one.
type process struct {
	pid, parent, group, session int
	zombie                      bool
	start                       uint64 // clock ticks since boot
}

// clockTick is the unit of process.start: USER_HZ is 100 on every Linux that Go
// runs on.
const clockTick = 10_000_000 // nanoseconds

// snapshot returns every process by its id. What ends meanwhile may be missing.
func snapshot() map[int]process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	all := make(map[int]process, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, err := readProcess(pid); err == nil {
				all[pid] = p
			}
		}
	}
	return all
}

func readProcess(pid int) (process, error) {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return process{}, err
	}
	return parseStat(text)
}

// parseStat reads "pid (name) state ppid pgrp session …"; the name may contain
// anything.
func parseStat(text []byte) (p process, err error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, fmt.Errorf("cannot read process status %.80q", text)
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 20 {
		return p, fmt.Errorf("cannot read process status %.80q", text)
	}
	p.zombie = fields[0][0] == 'Z' || fields[0][0] == 'X'
	for _, number := range []struct {
		to   *int
		text []byte
	}{{&p.pid, bytes.TrimSpace(text[:open])}, {&p.parent, fields[1]}, {&p.group, fields[2]}, {&p.session, fields[3]}} {
		if *number.to, err = strconv.Atoi(string(number.text)); err != nil {
			return p, fmt.Errorf("cannot read process status %.80q: %w", text, err)
		}
	}
	if p.start, err = strconv.ParseUint(string(fields[19]), 10, 64); err != nil {
		return p, fmt.Errorf("cannot read process status %.80q: %w", text, err)
	}
	return p, nil
}

// hasMarks reports whether a process's environment, as it was at its last exec,
// has every mark.
func hasMarks(pid int, marks []string) bool {
	if len(marks) == 0 {
		return false
	}
	env, err := os.ReadFile(procPath(pid, "environ"))
	return err == nil && contains(env, marks)
}

// contains reports whether an environment has every mark.
func contains(env []byte, marks []string) bool {
	found := 0
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		for _, mark := range marks {
			if string(entry) == mark {
				found++
			}
		}
	}
	return len(marks) > 0 && found >= len(marks)
}

// kill sends KILL to p, unless its id means another process by now.
func (p process) kill() error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, err := readProcess(p.pid); err != nil || now.start != p.start {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

func procPath(pid int, file string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + file
}

// ticks is now on the clock of process.start.
func ticks() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return uint64(now.Nano()) / clockTick
}
