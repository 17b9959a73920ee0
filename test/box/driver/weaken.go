package main

import (
	"fmt"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// weaken builds a box without one of its protections, which a canary then has to
// notice.
func weaken(spec *specs.Spec, protection string) error {
	if protection == "" {
		return nil
	}
	remove, ok := weaknesses[protection]
	if !ok {
		return fmt.Errorf("no protection is named %q", protection)
	}
	remove(spec)
	return nil
}

var weaknesses = map[string]func(*specs.Spec){
	"user":              func(s *specs.Spec) { s.Process.User.UID = 0 },
	"group":             func(s *specs.Spec) { s.Process.User.GID = 0 },
	"seccomp":           func(s *specs.Spec) { s.Linux.Seccomp = nil },
	"no new privileges": func(s *specs.Spec) { s.Process.NoNewPrivileges = false },
	"landlock":          func(s *specs.Spec) { delete(s.Annotations, "io.octaskly.landlock") },
	"capabilities":      func(s *specs.Spec) { s.Process.Capabilities.Bounding = []string{"CAP_SYS_ADMIN"} },
	"limits":            func(s *specs.Spec) { s.Process.Rlimits = nil },
	"oom score":         func(s *specs.Spec) { s.Process.OOMScoreAdj = nil },
	"masks":             func(s *specs.Spec) { s.Linux.MaskedPaths = nil },
	"read-only":         func(s *specs.Spec) { dropOption(s, "ro") },
	"noexec":            func(s *specs.Spec) { dropOption(s, "noexec") },
	"nodev":             func(s *specs.Spec) { dropOption(s, "nodev") },
	"hidepid":           func(s *specs.Spec) { dropOption(s, "hidepid=invisible") },
	"subset":            func(s *specs.Spec) { dropOption(s, "subset=pid") },
	"network":           func(s *specs.Spec) { dropNamespace(s, specs.NetworkNamespace) },
	"ipc":               func(s *specs.Spec) { dropNamespace(s, specs.IPCNamespace) },
	"uts":               func(s *specs.Spec) { dropNamespace(s, specs.UTSNamespace); s.Hostname = "" },
	"cgroup":            func(s *specs.Spec) { dropNamespace(s, specs.CgroupNamespace) },
	"tmp":               func(s *specs.Spec) { dropMount(s, "/tmp") },
	"shm":               func(s *specs.Spec) { dropMount(s, "/dev/shm") },
	"proc":              func(s *specs.Spec) { dropMount(s, "/proc") },
	"root":              dropRoot,
	"terminal":          func(s *specs.Spec) { dropCall(s, "ioctl") },
	"families":          func(s *specs.Spec) { dropCall(s, "socket") },
	"namespaces":        func(s *specs.Spec) { dropCall(s, "clone") },
	"calls":             func(s *specs.Spec) { dropDenied(s) },
}

func dropOption(s *specs.Spec, option string) {
	for i := range s.Mounts {
		s.Mounts[i].Options = slices.DeleteFunc(slices.Clone(s.Mounts[i].Options), func(o string) bool { return o == option })
	}
}

func dropNamespace(s *specs.Spec, kind specs.LinuxNamespaceType) {
	s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(ns specs.LinuxNamespace) bool { return ns.Type == kind })
}

func dropMount(s *specs.Spec, at string) {
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == at })
}

// dropCall allows a system call whatever its arguments.
func dropCall(s *specs.Spec, name string) {
	f := *s.Linux.Seccomp
	f.Syscalls = slices.Insert(slices.Clone(f.Syscalls), 0, specs.LinuxSyscall{Names: []string{name}, Action: specs.ActAllow})
	s.Linux.Seccomp = &f
}

// dropDenied allows the system calls that are denied whatever their arguments.
func dropDenied(s *specs.Spec) {
	f := *s.Linux.Seccomp
	f.Syscalls = slices.DeleteFunc(slices.Clone(f.Syscalls), func(r specs.LinuxSyscall) bool {
		return r.Action == specs.ActErrno && len(r.Args) == 0 && len(r.Names) > 1
	})
	f.DefaultAction, f.DefaultErrnoRet = specs.ActAllow, nil
	s.Linux.Seccomp = &f
}

// dropRoot leaves the box in the machine's root.
func dropRoot(s *specs.Spec) {
	if s.Root.Readonly {
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination != "/proc" && m.Destination != "/tmp" })
		s.Annotations = nil
		s.Process.Cwd = "/tmp"
	}
}
