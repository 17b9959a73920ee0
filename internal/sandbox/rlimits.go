package sandbox

import (
	"cmp"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// rlimitNumbers are the resources of setrlimit(2) that boxes bound.
var rlimitNumbers = map[string]uint32{
	"RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_CPU": unix.RLIMIT_CPU, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK,
	"RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE, "RLIMIT_NOFILE": unix.RLIMIT_NOFILE,
	"RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO, "RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING,
}

// coreLimit keeps the kernel from giving a crashed process to the machine's
// collector of core dumps, which is root's and outside of the box; 0 would not
// (core(5)).
const coreLimit = 1

// rlimits have one value each: a soft limit that a task can raise bounds nothing.
// Only of open files without a bound the soft limit is what programs expect, some
// of which try to close as many.
func rlimits(l *Limits, h *Host) []specs.POSIXRlimit {
	values := map[string]uint64{
		"RLIMIT_CORE": coreLimit, "RLIMIT_MEMLOCK": 64 << 10, "RLIMIT_MSGQUEUE": 0, "RLIMIT_NICE": 0, "RLIMIT_RTPRIO": 0, "RLIMIT_SIGPENDING": 4096,
		"RLIMIT_NOFILE": cmp.Or(l.OpenFiles, defaultOpen),
	}
	for name, v := range map[string]uint64{"RLIMIT_CPU": l.CPUTime, "RLIMIT_FSIZE": l.FileSize, "RLIMIT_NPROC": l.Processes} {
		if v > 0 {
			values[name] = v
		}
	}
	limits := make([]specs.POSIXRlimit, 0, len(values))
	for name, v := range values {
		limits = append(limits, specs.POSIXRlimit{Type: name, Hard: v, Soft: v})
	}
	if i := slices.IndexFunc(limits, func(r specs.POSIXRlimit) bool { return r.Type == "RLIMIT_NOFILE" }); l.OpenFiles == 0 {
		limits[i].Hard = max(defaultOpen, min(h.OpenFiles, unboundedOpen))
	}
	slices.SortFunc(limits, func(a, b specs.POSIXRlimit) int { return cmp.Compare(a.Type, b.Type) })
	return limits
}
