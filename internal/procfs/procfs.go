// Package procfs tells of the processes of this host, as proc_pid_stat(5) and
// proc_pid_environ(5) have them, and kills one without hitting another that has
// got its number meanwhile.
package procfs

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a process as it was when it was looked at.
type Process struct {
	PID, Parent, Group, Session int
	Dead                        bool   // a zombie
	Start                       uint64 // clock ticks since boot
}

// ClockTick is the unit of Process.Start: USER_HZ is 100 on every Linux that Go
// runs on.
const ClockTick = 10 * time.Millisecond

// All returns every process by its id. What ends meanwhile may be missing.
func All() map[int]Process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	all := make(map[int]Process, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, err := Read(pid); err == nil {
				all[pid] = p
			}
		}
	}
	return all
}

// Read looks at one process.
func Read(pid int) (Process, error) {
	text, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return Process{}, err
	}
	return parse(text)
}

// parse reads "pid (name) state ppid pgrp session …"; the name may contain
// anything.
func parse(text []byte) (p Process, err error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return p, fmt.Errorf("cannot read process status %.80q", text)
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 20 {
		return p, fmt.Errorf("cannot read process status %.80q", text)
	}
	p.Dead = fields[0][0] == 'Z' || fields[0][0] == 'X'
	for _, number := range []struct {
		to   *int
		text []byte
	}{{&p.PID, bytes.TrimSpace(text[:open])}, {&p.Parent, fields[1]}, {&p.Group, fields[2]}, {&p.Session, fields[3]}} {
		if *number.to, err = strconv.Atoi(string(number.text)); err != nil {
			return Process{}, fmt.Errorf("cannot read process status %.80q: %w", text, err)
		}
	}
	if p.Start, err = strconv.ParseUint(string(fields[19]), 10, 64); err != nil {
		return Process{}, fmt.Errorf("cannot read process status %.80q: %w", text, err)
	}
	return p, nil
}

// maxLineage bounds a walk that a changing /proc could lead in circles.
const maxLineage = 1000

// Lineage is p and its ancestors among all, from p upwards.
func (p Process) Lineage(all map[int]Process) iter.Seq[Process] {
	return func(yield func(Process) bool) {
		for range maxLineage {
			parent, ok := all[p.Parent]
			if !yield(p) || !ok {
				return
			}
			p = parent
		}
	}
}

// Kill sends KILL to p. It fails with ESRCH if p has gone, or its id means
// another process by now.
func (p Process) Kill() error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, err := Read(p.PID); err != nil || now.Start != p.Start {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// Environ is a process's environment as it was at its last exec: entries that
// end in NUL. In the middle of an exec it is empty for a moment.
func Environ(pid int) ([]byte, error) { return os.ReadFile(path(pid, "environ")) }

// Marked reports whether a process's environment has every mark.
func Marked(pid int, marks []string) bool {
	if len(marks) == 0 {
		return false
	}
	env, err := Environ(pid)
	return err == nil && Contains(env, marks)
}

// Contains reports whether an environment has every mark. Without marks it is
// never so: everybody would have them.
func Contains(env []byte, marks []string) bool {
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

// Ticks is now on the clock of Process.Start.
func Ticks() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return uint64(now.Nano()) / uint64(ClockTick)
}

func path(pid int, file string) string { return "/proc/" + strconv.Itoa(pid) + "/" + file }
