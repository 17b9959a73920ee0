package resources

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// keeper is the cgroup of this process itself below the one of its unit.
const keeper = "keeper"

// unitOf returns the cgroup of the systemd unit that path belongs to, if the
// unit is delegated to us and path is the unit itself or its keeper.
func unitOf(path string) (unit string, ok bool) {
	if delegated(path) {
		return path, true
	}
	if parent := filepath.Dir(path); filepath.Base(path) == keeper && delegated(parent) {
		return parent, true
	}
	return "", false
}

// delegated reads the mark that systemd puts on a cgroup for Delegate=
// (systemd.resource-control(5), cg_set_access in its source). The one in the
// user namespace is for user managers.
func delegated(path string) bool {
	var value [8]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(path, name, value[:]); err == nil && n > 0 && value[0] == '1' {
			return true
		}
	}
	return false
}

// moveToKeeper makes room in the cgroup of a delegated unit.
func moveToKeeper() error {
	own, err := ownCgroups()
	if err != nil {
		return err
	}
	for _, path := range own {
		if !delegated(path) {
			continue
		}
		home := filepath.Join(path, keeper)
		if err := os.MkdirAll(home, 0o755); err != nil {
			return fmt.Errorf("cannot move to a cgroup of our own: %w", err)
		}
		if err := os.WriteFile(filepath.Join(home, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("cannot move to a cgroup of our own: %w", err)
		}
	}
	return nil
}
