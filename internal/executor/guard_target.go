package executor

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// groupTarget is an attempt in a cgroup of its own. Its files are those of that very
// directory: who makes another one by the same name is not hit.
type groupTarget struct{ killing, freezing, events int }

// openGroup opens what it takes to kill the cgroup whose directory is open.
func openGroup(dir int) (t *groupTarget, err error) {
	t = &groupTarget{-1, -1, -1}
	for _, file := range []struct {
		fd   *int
		name string
		mode int
	}{{&t.killing, "cgroup.kill", unix.O_WRONLY}, {&t.freezing, "cgroup.freeze", unix.O_WRONLY}, {&t.events, "cgroup.events", unix.O_RDONLY}} {
		if *file.fd, err = unix.Openat(dir, file.name, file.mode|unix.O_CLOEXEC, 0); err != nil {
			t.close()
			return nil, fmt.Errorf("cannot open %s: %w", file.name, err)
		}
	}
	return t, nil
}

// kill freezes the group as well: what an executor starts into it that has slept
// since it last looked at its lease, dies before its first instruction.
func (t *groupTarget) kill(time.Duration) (vacant bool) {
	_, _ = unix.Write(t.freezing, []byte("1"))
	_, _ = unix.Write(t.killing, []byte("1")) // also tried if the group is gone, which shows next
	var buf [128]byte
	n, err := unix.Pread(t.events, buf[:], 0)
	return err != nil || bytes.Contains(buf[:n], []byte("populated 0"))
}

func (t *groupTarget) lead(int, uint64) {}

func (t *groupTarget) close() {
	for _, fd := range []int{t.killing, t.freezing, t.events} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// treeTarget is an attempt where there are no cgroups: the session and the process
// group that its first process leads, and what descends from them. Until that
// process is known, in the moment of its start, its marks tell.
type treeTarget struct {
	marks []string
	since uint64 // when it was not there yet, in clock ticks
	pid   int    // 0: not known yet
	start uint64 // of pid
	quiet int    // looks in a row that have found nothing
}

// unborn is how long a start that had begun may take to show when the executor is
// gone.
const unborn = 500 * time.Millisecond

func (t *treeTarget) lead(pid int, start uint64) { t.pid, t.start = pid, start }

func (t *treeTarget) close() {}

// kill believes in the second look that finds nobody: one misses who is born
// meanwhile.
func (t *treeTarget) kill(alone time.Duration) (vacant bool) {
	members := t.members(procfs.All(), t.marked)
	t.quiet++
	for _, p := range members {
		_ = p.Kill() // it may be dead; the next look tells
		t.quiet = 0
	}
	return t.quiet > 1 && (t.pid != 0 || alone > unborn)
}

// members are the living processes of the attempt. A number that is somebody
// else's by now is nobody's.
func (t *treeTarget) members(all map[int]procfs.Process, marked func(procfs.Process) bool) (members []procfs.Process) {
	leader, there := all[t.pid]
	reused := there && leader.Start != t.start
	ours := map[int]bool{}
	for pid, p := range all {
		if t.pid == 0 {
			ours[pid] = marked(p)
		} else {
			ours[pid] = !reused && p.Start >= t.start && (p.Session == t.pid || p.Group == t.pid)
		}
	}
	for _, p := range all {
		if !p.Dead && descends(p, all, ours) {
			members = append(members, p)
		}
	}
	slices.SortFunc(members, func(a, b procfs.Process) int { // parents first, who might go on with something else
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID))
	})
	return members
}

// descends reports whether p is one of ours, or a descendant of one.
func descends(p procfs.Process, all map[int]procfs.Process, ours map[int]bool) bool {
	for a := range p.Lineage(all) {
		if ours[a.PID] {
			return true
		}
	}
	return false
}

func (t *treeTarget) marked(p procfs.Process) bool {
	return p.Start+1 >= t.since && procfs.Marked(p.PID, t.marks)
}
