package executor

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
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
	members := t.members(everybody(), t.marked)
	t.quiet++
	for _, p := range members {
		_ = p.kill() // it may be dead; the next look tells
		t.quiet = 0
	}
	return t.quiet > 1 && (t.pid != 0 || alone > unborn)
}

// members are the living processes of the attempt. A number that is somebody
// else's by now is nobody's.
func (t *treeTarget) members(all map[int]stat, marked func(stat) bool) (members []stat) {
	leader, there := all[t.pid]
	reused := there && leader.start != t.start
	own := func(p stat) bool {
		if t.pid == 0 {
			return marked(p)
		}
		return !reused && p.start >= t.start && (p.session == t.pid || p.group == t.pid)
	}
	ours := map[int]bool{}
	for pid, p := range all {
		ours[pid] = own(p)
	}
	for _, p := range all {
		if !p.dead && p.descends(all, ours) {
			members = append(members, p)
		}
	}
	slices.SortFunc(members, func(a, b stat) int { // parents first, who might go on with something else
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.pid, b.pid))
	})
	return members
}

func (t *treeTarget) marked(p stat) bool {
	if len(t.marks) == 0 || p.start+1 < t.since {
		return false
	}
	env, err := os.ReadFile(procFile(p.pid, "environ"))
	if err != nil {
		return false
	}
	entries := bytes.Split(env, []byte{0})
	for _, mark := range t.marks {
		found := false
		for _, entry := range entries {
			found = found || string(entry) == mark
		}
		if !found {
			return false
		}
	}
	return true
}

// stat is what proc_pid_stat(5) says of a process.
type stat struct {
	pid, parent, group, session int
	dead                        bool
	start                       uint64 // clock ticks since boot
}

// maxLineage bounds a walk that a changing /proc could lead in circles.
const maxLineage = 1000

// descends reports whether p is one of ours, or a descendant of one.
func (p stat) descends(all map[int]stat, ours map[int]bool) bool {
	for range maxLineage {
		if ours[p.pid] {
			return true
		}
		parent, ok := all[p.parent]
		if !ok {
			return false
		}
		p = parent
	}
	return false
}

// kill sends KILL to p, unless its number is another process's by now.
func (p stat) kill() error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if now, err := readStat(p.pid); err != nil || now.start != p.start {
		return unix.ESRCH
	}
	return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
}

// everybody returns every process by its id. What ends meanwhile may be missing.
func everybody() map[int]stat {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	all := make(map[int]stat, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, err := readStat(pid); err == nil {
				all[pid] = p
			}
		}
	}
	return all
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(pid, text)
}

var errStat = errors.New("cannot read a process's status")

// parseStat reads "pid (name) state ppid pgrp session …"; the name may contain
// anything.
func parseStat(pid int, text []byte) (stat, error) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return stat{}, errStat
	}
	p := stat{pid: pid, dead: fields[0][0] == 'Z' || fields[0][0] == 'X'}
	for i, number := range []*int{&p.parent, &p.group, &p.session} {
		var err error
		if *number, err = strconv.Atoi(string(fields[1+i])); err != nil {
			return stat{}, errStat
		}
	}
	start, err := strconv.ParseUint(string(fields[19]), 10, 64)
	p.start = start
	if err != nil {
		return stat{}, errStat
	}
	return p, nil
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// clockTick is the unit of stat.start: USER_HZ is 100 on every Linux that Go runs
// on.
const clockTick = 10 * time.Millisecond
