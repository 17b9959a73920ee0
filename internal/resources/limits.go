package resources

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// errNoLimits is for who sets limits that Containment.Limits does not name.
var errNoLimits = errors.New("there are no cgroup2 controllers for it")

// unlimited is the part of a Group that bounds nothing and measures nothing.
type unlimited struct{}

func (unlimited) Limit(l octaskly.Limits) error {
	if l.Memory > 0 || l.Processes > 0 {
		return errNoLimits
	}
	return nil
}

func (unlimited) Usage() (octaskly.Usage, error) { return octaskly.Usage{}, nil }
func (unlimited) Struck() octaskly.Reason        { return "" }

func (g *cgroup) Limit(l octaskly.Limits) error {
	if l.Memory > 0 && !g.means.memory || l.Processes > 0 && !g.means.processes {
		return errNoLimits
	}
	if err := g.ready(); err != nil {
		return err
	}
	var err error
	if l.Memory > 0 || g.bounds.Memory > 0 {
		err = g.limitMemory(l.Memory)
	}
	if err == nil && (l.Processes > 0 || g.bounds.Processes > 0) {
		err = g.set("pids.max", bound(l.Processes, g.since.processes))
	}
	if err != nil {
		return err
	}
	g.bounds = octaskly.Limits{Memory: l.Memory, Processes: l.Processes}
	return nil
}

// limitMemory makes one of two things of too much memory: nothing left of the
// group, or an error of the one call that asked for it. Swap would only put that
// off, at the cost of everybody else.
func (g *cgroup) limitMemory(bytes int64) error {
	err := g.set("memory.oom.group", "1")
	if err == nil && g.means.swap {
		err = g.set("memory.swap.max", "0")
	}
	if err == nil {
		err = g.set("memory.max", bound(bytes, g.since.memory))
	}
	return err
}

func bound(limit, inUse int64) string {
	if limit == 0 {
		return "max"
	}
	return strconv.FormatInt(limit+inUse, 10)
}

// set writes a file of the group. Package cgroup2 of containerd takes 14 µs for
// one, this 5.
func (g *cgroup) set(name, value string) error {
	fd, err := unix.Openat(g.dir, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(value))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("cannot set %s of cgroup %q to %s: %w", name, g.path, value, err)
	}
	return nil
}

func (g *cgroup) Usage() (octaskly.Usage, error) {
	empty := !g.means.spoil && g.empty()
	now, err := g.measure()
	if err != nil {
		return octaskly.Usage{}, err
	}
	g.latest, g.final = now, empty
	since := &g.since
	g.seen.memoryPeak = peak(g.seen.memoryPeak, now.memory, now.memoryPeak, since.memoryPeak)
	g.seen.processesPeak = peak(g.seen.processesPeak, now.processes, now.processesPeak, since.processesPeak)
	if !g.means.tell[pidsPeak] && g.refused() {
		g.seen.processesPeak = g.bounds.Processes + since.processes
	}
	return octaskly.Usage{
		CPUTime: time.Duration(now.cpu-since.cpu) * time.Microsecond,
		Memory:  max(0, now.memory-since.memory), MemoryPeak: max(0, g.seen.memoryPeak-since.memory),
		Processes: max(0, now.processes-since.processes), ProcessesPeak: max(0, g.seen.processesPeak-since.processes),
		Read: now.read - since.read, Written: now.written - since.written,
	}, nil
}

// peak is the most that is known of. The kernel's own peak counts if it is not
// from before.
func peak(seen, now, kernel, before int64) int64 {
	if kernel > before {
		return kernel
	}
	return max(seen, now)
}

func (g *cgroup) Struck() octaskly.Reason {
	switch {
	case g.happened(memoryEvents, "oom_kill") > 0:
		return octaskly.ReasonOOM
	case g.refused():
		return octaskly.ReasonProcesses
	}
	return ""
}

// refused reports whether there were to be more processes than may be. Before
// Linux 6.11 the kernel counts here also what a group above has refused.
func (g *cgroup) refused() bool { return g.bounds.Processes > 0 && g.happened(pidsEvents, "max") > 0 }
