package resources

import (
	"fmt"
	"os"
	"strings"
)

// remedy says what to change on this machine for groups to have the controllers
// that are missing.
func remedy(missing ...string) string {
	listed, _ := os.ReadFile("/proc/cgroups") // not there: not version 1
	own, _ := ownCgroups()
	h := host{controllers: parseControllers(string(listed)), root: os.Geteuid() == 0}
	for _, path := range own {
		_, h.delegated = unitOf(path)
		h.cgroup = path
	}
	return h.remedy(missing)
}

// host is what a remedy depends on.
type host struct {
	controllers     map[string]controller
	cgroup          string // of this process
	delegated, root bool
}

// controller is one as /proc/cgroups lists it.
type controller struct{ old, disabled bool }

// parseControllers reads /proc/cgroups (cgroups(7)): a hierarchy that is not 0 is
// one of version 1. Since Linux 6.13 it lists only what version 1 has.
func parseControllers(text string) map[string]controller {
	all := map[string]controller{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 4 && !strings.HasPrefix(line, "#") {
			all[f[0]] = controller{old: f[1] != "0", disabled: f[3] == "0"}
		}
	}
	return all
}

func (h *host) remedy(missing []string) string {
	for _, name := range missing {
		switch c := h.controllers[name]; {
		case c.disabled:
			return fmt.Sprintf("the kernel was told to leave %s out: boot it with cgroup_enable=%s and without cgroup_disable=%s", name, name, name)
		case c.old:
			return fmt.Sprintf("on this machine cgroup version 1 has %s: boot it with systemd.unified_cgroup_hierarchy=1", name)
		}
	}
	switch {
	case h.cgroup == "":
		return "mount a cgroup2 file system at /sys/fs/cgroup"
	case h.delegated:
		return fmt.Sprintf("cgroup %q is not given %s: it and those above it need Delegate=yes, for a user's units in user@.service, and no process of their own",
			h.cgroup, strings.Join(missing, " and "))
	case h.root:
		return fmt.Sprintf("cgroup %q is not this process's to divide: run it as octasklyd-executor.service, or by systemd-run --scope -p Delegate=yes", h.cgroup)
	}
	return fmt.Sprintf("cgroup %q is not this process's to divide: run it as octasklyd-executor.service, or by systemd-run --user --scope -p Delegate=yes", h.cgroup)
}
