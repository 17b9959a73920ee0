package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testUnits asks systemd about the units, in a root where the package is
// unpacked beside the host's own units.
func testUnits(t *testing.T, deb string) {
	root := t.TempDir()
	tool(t, nil, "dpkg-deb", "--extract", deb, root)
	units := filepath.Join(root, "lib/systemd/system")
	ours := unitNames(t, units)
	addHost(t, root)

	t.Run("verify", func(t *testing.T) { verifyUnits(t, root, ours...) })
	t.Run("security", func(t *testing.T) {
		// In tenths. The executor's unit says why each of its keys stays open.
		for unit, limit := range map[string]string{
			"octasklyd-dispatcher.service": "20",
			"octasklyd-worker.service":     "20",
			"octasklyd-key.service":        "20",
			"octasklyd-executor.service":   "90",
		} {
			out := tool(t, nil, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+limit, filepath.Join(units, unit))
			lines := strings.Split(strings.TrimSpace(out), "\n")
			t.Log(lines[len(lines)-1])
		}
	})
	t.Run("sysusers", func(t *testing.T) {
		out := tool(t, nil, "systemd-sysusers", "--dry-run", "--root="+root, "octaskly.conf")
		for _, user := range []string{"octaskly", "octaskly-worker", "octaskly-task"} {
			if !strings.Contains(out, "Creating user '"+user+"'") {
				t.Errorf("systemd-sysusers does not make %s:\n%s", user, out)
			}
		}
	})
	t.Run("examples", func(t *testing.T) { verifyUnits(t, root, addExamples(t, units)...) })
}

func verifyUnits(t *testing.T, root string, names ...string) {
	t.Helper()
	if out := tool(t, nil, "systemd-analyze", append([]string{"--root=" + root, "--man=no", "verify"}, names...)...); out != "" {
		t.Errorf("systemd-analyze verify says\n%s", out)
	}
}

// addExamples puts what contrib has for systemd where its README says, but for
// what Debian 12 is too old for, and returns the units that this makes or changes.
func addExamples(t *testing.T, units string) []string {
	t.Helper()
	const workers = "octasklyd-dispatcher-workers.socket"
	for example, where := range map[string]string{
		workers:               workers,
		"addresses.conf":      "octasklyd-dispatcher.service.d/addresses.conf",
		"kernel-by-sudo.conf": "octasklyd-executor.service.d/kernel-by-sudo.conf",
	} {
		path := filepath.Join(units, where)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, readFile(t, filepath.Join("../contrib/systemd", example)), 0o644))
	}
	return []string{workers, "octasklyd-dispatcher.service", "octasklyd-executor.service"}
}

func unitNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// addHost puts what the units refer to into root: a shell, and the host's units.
func addHost(t *testing.T, root string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Join(root, "bin"), 0o755))
	check(t, os.WriteFile(filepath.Join(root, "bin/sh"), nil, 0o755))
	const system = "lib/systemd/system"
	for _, name := range unitNames(t, "/"+system) {
		data, err := os.ReadFile(filepath.Join("/", system, name))
		if err != nil || strings.HasPrefix(name, "octaskly") {
			continue // a directory, or a link to what is not installed
		}
		check(t, os.WriteFile(filepath.Join(root, system, name), data, 0o644))
	}
}

// TestExecutorPassesNothingOn keeps keys out of the executor's unit that its
// commands would inherit; the unit says whom each would hurt.
func TestExecutorPassesNothingOn(t *testing.T) {
	inherited := []string{
		"NoNewPrivileges", "RestrictSUIDSGID", "ProtectSystem", "ProtectHome", "PrivateTmp", "ReadOnlyPaths", "InaccessiblePaths",
		"PrivateMounts", "PrivateDevices", "DevicePolicy", "DeviceAllow", "ProtectClock", "ProtectProc", "ProcSubset", "ProtectKernelTunables",
		"ProtectKernelLogs", "ProtectKernelModules", "ProtectControlGroups", "ProtectHostname", "RestrictNamespaces", "PrivateNetwork",
		"IPAddressDeny", "PrivateUsers", "RestrictAddressFamilies", "MemoryDenyWriteExecute", "LockPersonality", "RestrictRealtime",
		"SystemCallArchitectures", "SystemCallFilter", "UMask",
	}
	set := unitKeys(string(readFile(t, "../packaging/systemd/octasklyd-executor.service")))
	for _, key := range inherited {
		if slices.Contains(set, key) {
			t.Errorf("the executor's unit sets %s", key)
		}
	}
	for _, key := range []string{"Delegate", "KillMode", "OOMPolicy", "TasksMax"} {
		if !slices.Contains(set, key) {
			t.Errorf("the executor's unit does not set %s", key)
		}
	}
}

func unitKeys(text string) []string {
	var keys []string
	for line := range strings.Lines(text) {
		if key, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			keys = append(keys, key)
		}
	}
	return keys
}
