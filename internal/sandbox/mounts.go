package sandbox

import (
	"path"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// readOnly are the options of what a box only looks at.
var readOnly = []string{"ro", "nosuid", "nodev"}

// devices are all that a box has.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// procMasks are files of /proc that speak of the machine or its kernel. Nobody
// but root could write any of /proc, which is read-only besides.
var procMasks = []string{
	"/proc/acpi", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/key-users",
	"/proc/keys", "/proc/kmsg", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats",
}

// essentialEtc is what dynamic linking and local time need.
var essentialEtc = []string{"/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime"}

func essential(etc []string) []string {
	return slices.DeleteFunc(slices.Clone(etc), func(p string) bool { return !slices.Contains(essentialEtc, p) })
}

// rootMounts are a root of its own, with directories of the machine's in it.
func rootMounts(h *Host, dirs, etc []string) []specs.Mount {
	mounts := []specs.Mount{{Destination: "/", Type: "tmpfs", Source: "tmpfs", Options: []string{"ro", "nosuid", "nodev", "noexec", "mode=0755", "size=1m"}}}
	for _, p := range append(dirs, rootDirs(h)...) {
		mounts = append(mounts, bind(p, readOnly...))
	}
	for _, p := range etc {
		mounts = append(mounts, bind(p, append(slices.Clone(readOnly), "noexec")...))
	}
	for _, p := range devices {
		mounts = append(mounts, bind(p, "ro", "nosuid", "noexec"))
	}
	return mounts
}

// bind shows a path of the machine at the same place.
func bind(p string, options ...string) specs.Mount {
	return specs.Mount{Destination: p, Type: "bind", Source: p, Options: append([]string{"rbind"}, options...)}
}

func procMount(options ...string) specs.Mount {
	return specs.Mount{Destination: "/proc", Type: "proc", Source: "proc", Options: options}
}

func shmMount() specs.Mount {
	return specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "noexec", "mode=1777", "size=64m"}}
}

// ownMount is a directory that has nothing of the machine's.
func ownMount(p string) specs.Mount {
	return specs.Mount{Destination: p, Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "noexec", "mode=1777", "size=1m"}}
}

// workMount and tmpMount are what a task may write. The executor opens the
// directories when the task is there; see Compile.
func workMount(t *Task, options ...string) specs.Mount {
	return specs.Mount{Destination: Workspace, Type: "bind", Source: t.Workspace, Options: append([]string{"bind"}, options...)}
}

func tmpMount(t *Task, at string, options ...string) specs.Mount {
	if t.Tmp != "" {
		return specs.Mount{Destination: at, Type: "bind", Source: t.Tmp, Options: append([]string{"bind"}, options...)}
	}
	size := "size=" + strconv.FormatInt(t.tmpSize(), 10)
	return specs.Mount{Destination: at, Type: "tmpfs", Source: "tmpfs", Options: append(options, "mode=1777", size)}
}

// show adds what the task is to see besides.
func show(spec *specs.Spec, t *Task) {
	for _, p := range t.Show {
		if !visible(spec, p) {
			spec.Mounts = append(spec.Mounts, bind(p, readOnly...))
		}
	}
}

// visible reports whether p is in a mount of the machine's already.
func visible(spec *specs.Spec, p string) bool {
	return slices.ContainsFunc(spec.Mounts, func(m specs.Mount) bool {
		return m.Type == "bind" && m.Source == m.Destination && (p == m.Destination || strings.HasPrefix(p, m.Destination+"/"))
	})
}

// links are the symbolic links of a root of its own.
func links(h *Host) map[string]string {
	made := map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	}
	names, _ := h.rootEntries()
	for _, name := range names {
		made[path.Join("/", name)] = h.Root[name]
	}
	return made
}

// files are those of /etc that are made up for a box.
func files(t *Task) map[string]string {
	uid, gid := strconv.FormatUint(uint64(t.UID), 10), strconv.FormatUint(uint64(t.GID), 10)
	made := map[string]string{
		"/etc/passwd": "root:x:0:0:root:/:/usr/sbin/nologin\n" +
			userName + ":x:" + uid + ":" + gid + ":task:" + Workspace + ":/bin/sh\n" +
			"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
		"/etc/group":         "root:x:0:\n" + userName + ":x:" + gid + ":\nnogroup:x:65534:\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	}
	if !t.HostNetwork {
		made["/etc/hosts"] = "127.0.0.1 localhost " + hostname + "\n::1 localhost\n"
	}
	return made
}
