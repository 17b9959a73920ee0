package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// makeBundle makes an OCI bundle whose container is about a box of level strict.
// It is sandbox.Build's spec, but for what a runtime does not take:
//
//   - The root is a directory rather than a tmpfs, with links and files in it.
//   - Devices are the runtime's own.
//   - Of seccomp's rules those stay that allow something.
//   - There is no Landlock, and the loopback interface is off.
//
// Limits come along as far as cgroups can have them.
func (l *lab) makeBundle(bundle, cgroup string, limits octaskly.Limits) error {
	task := l.task()
	spec, err := sandbox.Build(octaskly.LevelStrict, task, &l.host)
	if err != nil {
		return err
	}
	root := filepath.Join(bundle, "rootfs")
	if err := errors.Join(os.MkdirAll(task.Workspace, 0o711), makeRoot(root, spec)); err != nil {
		return err
	}
	adapt(spec, root, limits)
	spec.Linux.CgroupsPath = cgroup
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o644)
}

// bundleVersion is one that runtimes in Debian 12 know.
const bundleVersion = "1.0.2"

func adapt(spec *specs.Spec, root string, limits octaskly.Limits) {
	spec.Version = bundleVersion
	spec.Root.Path = root
	spec.Annotations = nil
	spec.Mounts = slices.DeleteFunc(spec.Mounts, func(m specs.Mount) bool {
		return m.Destination == "/" || strings.HasPrefix(m.Destination, "/dev/") && m.Type == "bind"
	})
	dev := specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "mode=755", "size=64k"}}
	spec.Mounts = slices.Insert(spec.Mounts, 0, dev)
	for i, m := range spec.Mounts {
		if m.Type == "proc" { // runc writes there
			spec.Mounts[i].Options = []string{"nosuid", "nodev", "noexec"}
		}
	}
	f := *spec.Linux.Seccomp
	f.Syscalls = slices.DeleteFunc(slices.Clone(f.Syscalls), func(s specs.LinuxSyscall) bool { return s.Action != specs.ActAllow })
	spec.Linux.Seccomp = &f
	spec.Linux.Resources = &specs.LinuxResources{}
	if limits.Memory > 0 {
		spec.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &limits.Memory}
	}
	if limits.Processes > 0 {
		spec.Linux.Resources.Pids = &specs.LinuxPids{Limit: &limits.Processes}
	}
}

// makeRoot puts links and files into a root, and what mounts need.
func makeRoot(root string, spec *specs.Spec) error {
	made := map[string]map[string]string{"links": {}, "files": {}}
	for name, entries := range made {
		if err := json.Unmarshal([]byte(spec.Annotations["io.octaskly."+name]), &entries); err != nil {
			return err
		}
		for path, text := range entries {
			if err := makeEntry(filepath.Join(root, path), text, name == "links"); err != nil {
				return err
			}
		}
	}
	return nil
}

func makeEntry(path, text string, link bool) error {
	if strings.Contains(path, "/rootfs/dev/") { // which is covered
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if link {
		return os.Symlink(text, path)
	}
	return os.WriteFile(path, []byte(text), 0o444)
}
