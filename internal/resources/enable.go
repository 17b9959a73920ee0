package resources

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// controllers are those that groups are given.
var controllers = []string{"memory", "pids", "cpu", "io"}

// enable lets the groups in place have controllers, which first place must have.
// Each is for itself: the kernel takes all that are written at once, or none.
func enable(place string) error {
	parent := filepath.Dir(place)
	there, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	for _, controller := range controllers {
		if slices.Contains(strings.Fields(string(there)), controller) {
			err = errors.Join(err, hand(parent, controller), hand(place, controller))
		}
	}
	return err
}

func hand(cgroup, controller string) error {
	return os.WriteFile(filepath.Join(cgroup, "cgroup.subtree_control"), []byte("+"+controller), 0)
}
