package resources

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/containerd/cgroups/v3/cgroup2"
)

// controllers are those that groups are given.
var controllers = []string{"memory", "pids", "cpu", "io"}

// enable lets the groups in place have controllers, which first place must have.
// Each is for itself: the kernel takes all that are written at once, or none.
func enable(place string) (refused error) {
	parent, name := filepath.Split(place)
	m, err := cgroup2.Load("/"+name+"/any", cgroup2.WithMountpoint(filepath.Clean(parent)))
	if err != nil {
		return err
	}
	there, err := m.RootControllers()
	for _, controller := range controllers {
		if slices.Contains(there, controller) {
			err = errors.Join(err, m.ToggleControllers([]string{controller}, cgroup2.Enable))
		}
	}
	return err
}
