package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// placeFile remembers in the state directory where the groups are: a later
// process may itself be in another cgroup.
const placeFile = "cgroup"

// placeName is unique to a state directory, so that two executors on one machine
// never take each other's groups for their own.
func placeName(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "octaskly-" + hex.EncodeToString(sum[:8])
}

// openCgroups makes groups in the first hierarchy that allows it.
func openCgroups(dir string) (*cgroups, error) {
	if err := moveToKeeper(); err != nil {
		return nil, err
	}
	places, err := placesFor(dir)
	if err != nil {
		return nil, err
	}
	for _, place := range places {
		c := &cgroups{path: place}
		if err = c.open(filepath.Join(dir, placeFile)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// placesFor returns where groups may be made: tasks/ of a delegated unit, else
// below this process's own cgroup.
func placesFor(dir string) (places []string, err error) {
	own, err := ownCgroups()
	for _, path := range own {
		if unit, ok := unitOf(path); ok {
			places = append(places, filepath.Join(unit, "tasks"))
		} else {
			places = append(places, filepath.Join(path, placeName(dir)))
		}
	}
	return places, err
}

// ownCgroups returns the directories of this process's own cgroup2.
func ownCgroups() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cannot look for a cgroup2 file system: %w", err)
	}
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("cannot look for this process's cgroup: %w", err)
	}
	paths := cgroupPaths(string(mounts), string(self))
	if len(paths) == 0 {
		return nil, errors.New("no cgroup2 file system is mounted that shows this process's cgroup")
	}
	return paths, nil
}

// cgroupPaths joins where cgroup2 is mounted, by proc_pid_mountinfo(5), with
// what proc_pid_cgroup(5) says of a process.
func cgroupPaths(mountinfo, cgroup string) (paths []string) {
	var own string
	for line := range strings.Lines(cgroup) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			own = strings.TrimSuffix(path, "\n")
		}
	}
	if own == "" || strings.HasPrefix(own, "/..") { // outside of our cgroup namespace
		return nil
	}
	for line := range strings.Lines(mountinfo) {
		mount, kind, ok := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if !ok || len(fields) < 5 || !strings.HasPrefix(kind, "cgroup2 ") {
			continue
		}
		rel, err := filepath.Rel(unescape(fields[3]), own)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			continue
		}
		paths = append(paths, filepath.Join(unescape(fields[4]), rel))
	}
	return paths
}

// unescape undoes the \040 of mountinfo.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+4 <= len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
