package sandbox

import (
	"encoding/json"
	"fmt"
	"path"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Where things are in a box with a root of its own.
const (
	Workspace = "/work"
	tmp       = "/tmp"
)

// The annotations that say what OCI cannot.
const (
	annotationLinks    = "io.octaskly.links"    // path to text
	annotationFiles    = "io.octaskly.files"    // path to contents
	annotationLandlock = "io.octaskly.landlock" // Landlock
	annotationLoopback = "io.octaskly.loopback" // loopbackUp, or it is off
	loopbackUp         = "up"
)

// hostname is what all boxes with a host name of their own are called.
const hostname = "box"

// oomScore makes the kernel kill boxes rather than daemons, see
// proc_pid_oom_score_adj(5).
const oomScore = 500

// Build decides what the box of a task is at a level.
func Build(level octaskly.Level, t *Task, h *Host) (*specs.Spec, error) {
	build, ok := levels[level]
	if !ok {
		return nil, fmt.Errorf("cannot build a box of level %v", level)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("cannot build a box: %w", err)
	}
	if level == octaskly.LevelVeryStrict && t.HostNetwork {
		return nil, fmt.Errorf("cannot build a box: level %v has no network", level)
	}
	spec := common(t, h)
	if err := build(spec, t, h); err != nil {
		return nil, fmt.Errorf("cannot build a box: %w", err)
	}
	return spec, nil
}

var levels = map[octaskly.Level]func(*specs.Spec, *Task, *Host) error{
	octaskly.LevelBasic:      basic,
	octaskly.LevelStrict:     strict,
	octaskly.LevelVeryStrict: veryStrict,
}

// common is what the boxes of all levels have.
func common(t *Task, h *Host) *specs.Spec {
	score, umask := oomScore, t.Umask
	spec := &specs.Spec{
		Version:     specs.Version,
		Root:        &specs.Root{Path: "/"},
		Annotations: map[string]string{},
		Process: &specs.Process{
			User:            specs.User{UID: t.UID, GID: t.GID, Umask: &umask},
			Args:            t.Argv,
			Env:             t.Env,
			Cwd:             t.Dir,
			Capabilities:    &specs.LinuxCapabilities{},
			Rlimits:         rlimits(&t.Limits, h),
			NoNewPrivileges: true,
			OOMScoreAdj:     &score,
		},
		Linux: &specs.Linux{
			RootfsPropagation: "private",
			Namespaces:        []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}},
		},
	}
	if !t.HostNetwork {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	return spec
}

func basic(spec *specs.Spec, t *Task, h *Host) error {
	loopback(spec, t)
	if t.Dir == "" {
		spec.Process.Cwd = t.Workspace
	}
	spec.Linux.Seccomp = basicCalls
	spec.Mounts = []specs.Mount{
		procMount("nosuid", "nodev", "noexec"),
		shmMount(),
	}
	for _, p := range h.Common {
		spec.Mounts = append(spec.Mounts, ownMount(p))
	}
	spec.Mounts = append(spec.Mounts, tmpMount(t, tmp, "nosuid", "nodev"))
	if t.Tmp != "" { // the machine's would outlive the task
		spec.Mounts = append(spec.Mounts, tmpMount(t, "/var/tmp", "nosuid", "nodev"))
	}
	return nil
}

func strict(spec *specs.Spec, t *Task, h *Host) error {
	isolate(spec, t)
	loopback(spec, t)
	spec.Linux.Seccomp = strictCalls
	spec.Linux.MaskedPaths = procMasks
	spec.Mounts = append(rootMounts(h, []string{"/usr"}, h.Etc),
		procMount("ro", "nosuid", "nodev", "noexec", "hidepid=invisible"),
		shmMount())
	if t.HostNetwork {
		for _, p := range h.Resolver {
			spec.Mounts = append(spec.Mounts, bind(p, readOnly...))
		}
	}
	spec.Mounts = append(spec.Mounts, workMount(t, "nosuid", "nodev"), tmpMount(t, tmp, "nosuid", "nodev"))
	show(spec, t)
	l := newLandlock(h.Landlock)
	l.allow(list, "/")
	l.allow(read|execute, "/usr")
	l.allow(read|execute, rootDirs(h)...)
	l.allow(read, "/etc", "/proc")
	l.allow(device, devices...)
	l.allow(read, "/dev")
	l.allow(read|write|execute, Workspace, tmp)
	l.allow(read|write, "/dev/shm")
	l.allow(read|execute, t.Show...)
	return annotate(spec, t, h, l)
}

func veryStrict(spec *specs.Spec, t *Task, h *Host) error {
	isolate(spec, t)
	spec.Linux.Seccomp = veryStrictCalls
	spec.Mounts = append(rootMounts(h, append([]string{"/usr/bin"}, h.Lib...), essential(h.Etc)),
		procMount("ro", "nosuid", "nodev", "noexec", "hidepid=invisible", "subset=pid"))
	inMemory := *t
	inMemory.Tmp = ""
	spec.Mounts = append(spec.Mounts, workMount(t, "nosuid", "nodev", "noexec"), tmpMount(&inMemory, tmp, "nosuid", "nodev", "noexec"))
	show(spec, t)
	l := newLandlock(h.Landlock)
	l.Net = h.Landlock >= landlockNet
	l.allow(list, "/")
	l.allow(read|execute, "/usr/bin")
	l.allow(read|execute, h.Lib...)
	l.allow(read|execute, rootDirs(h)...)
	l.allow(read, "/etc", "/proc")
	l.allow(device, devices...)
	l.allow(read, "/dev")
	l.allow(read|write, Workspace, tmp)
	l.allow(read|execute, t.Show...)
	return annotate(spec, t, h, l)
}

// isolate gives a box a root and all namespaces of its own.
func isolate(spec *specs.Spec, t *Task) {
	if t.Dir == "" {
		spec.Process.Cwd = Workspace
	}
	spec.Root.Readonly = true
	spec.Hostname = hostname
	spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UTSNamespace}, specs.LinuxNamespace{Type: specs.CgroupNamespace})
}

// loopback switches on the only interface of a network of its own.
func loopback(spec *specs.Spec, t *Task) {
	if !t.HostNetwork {
		spec.Annotations[annotationLoopback] = loopbackUp
	}
}

// annotate adds what OCI cannot say.
func annotate(spec *specs.Spec, t *Task, h *Host, l *Landlock) error {
	values := map[string]any{annotationLinks: links(h), annotationFiles: files(t)}
	if l.Version > 0 {
		values[annotationLandlock] = l
	}
	for name, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		spec.Annotations[name] = string(text)
	}
	return nil
}

// rootDirs are those directories beside /usr that are no links into it.
func rootDirs(h *Host) []string {
	_, dirs := h.rootEntries()
	for i := range dirs {
		dirs[i] = path.Join("/", dirs[i])
	}
	return dirs
}
