package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// status returns the values of a line of /proc/self/status.
func status(name string) []string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

func (checks) user() string {
	for _, name := range []string{"Uid", "Gid"} {
		ids := status(name)
		if len(ids) != 4 {
			return "cannot read " + name
		}
		for _, id := range ids {
			if id == "0" || id != ids[0] {
				return name + " is " + strings.Join(ids, " ")
			}
		}
	}
	for _, group := range status("Groups") {
		if group != status("Gid")[0] {
			return "it is in group " + group
		}
	}
	return ""
}

func (checks) capabilities() string {
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		if v := status(set); len(v) != 1 || strings.Trim(v[0], "0") != "" {
			return set + " is " + strings.Join(v, " ")
		}
	}
	return ""
}

func (checks) noNewPrivileges() string {
	if v := status("NoNewPrivs"); len(v) != 1 || v[0] != "1" {
		return "it is not set"
	}
	return ""
}

func (checks) descriptors() string {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err.Error()
	}
	for _, entry := range entries {
		// Reading the directory takes one, and our runtime another few, all of them
		// opened since and closed on exec.
		fd, _ := strconv.Atoi(entry.Name())
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if fd > 2 && err == nil && flags&unix.FD_CLOEXEC == 0 {
			return "descriptor " + entry.Name() + " is open"
		}
	}
	return ""
}

func (checks) limits() string {
	for _, l := range []struct {
		name     string
		resource int
		most     uint64
	}{
		{"core", unix.RLIMIT_CORE, 1}, {"locked memory", unix.RLIMIT_MEMLOCK, 64 << 10}, {"message queues", unix.RLIMIT_MSGQUEUE, 0},
		{"priority", unix.RLIMIT_RTPRIO, 0}, {"nice", unix.RLIMIT_NICE, 0}, {"open files", unix.RLIMIT_NOFILE, 1 << 20},
	} {
		var limit unix.Rlimit
		if err := unix.Getrlimit(l.resource, &limit); err != nil {
			return l.name + ": " + err.Error()
		}
		if limit.Max > l.most {
			return l.name + " may be " + strconv.FormatUint(limit.Max, 10)
		}
	}
	return ""
}

func (checks) oomScore() string {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return err.Error()
	}
	if score, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || score < 1 {
		return "it is " + strings.TrimSpace(string(text))
	}
	return ""
}

// processes may be process 1 and we ourselves.
func (checks) processes() string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err.Error()
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && pid != 1 && pid != os.Getpid() {
			return "process " + entry.Name() + " is seen"
		}
	}
	if os.Getppid() != 1 {
		return "our parent is not process 1"
	}
	return ""
}

func (checks) init() string { return refused(unix.Kill(1, 0), unix.EPERM) }

// refused says that an attempt has not failed as it should.
func refused(err error, want ...unix.Errno) string {
	if err == nil {
		return "it is possible"
	}
	for _, errno := range want {
		if err == errno {
			return ""
		}
	}
	return "it fails by " + err.Error()
}

// first returns the first of several findings.
func first(whys ...string) string {
	for _, why := range whys {
		if why != "" {
			return why
		}
	}
	return ""
}

// initial are the inode numbers of the namespaces that a machine begins with
// (include/linux/proc_ns.h).
var initial = map[string]string{"ipc": "4026531839", "uts": "4026531838", "pid": "4026531836", "cgroup": "4026531835"}

func ownNamespace(kind string) string {
	text, err := os.Readlink("/proc/self/ns/" + kind)
	switch {
	case err != nil:
		return err.Error()
	case strings.Contains(text, initial[kind]):
		return "namespace " + kind + " is the machine's"
	}
	return ""
}

func (checks) namespaces() string { return first(ownNamespace("pid"), ownNamespace("ipc")) }

func (checks) hostName() string { return first(ownNamespace("uts"), ownNamespace("cgroup")) }
