package resources

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// sweepPatience is how long processes of an earlier executor may take to die.
const sweepPatience = 10 * time.Second

// cgroups is a Containment by cgroup2.
type cgroups struct {
	path    string
	orphans *orphans
}

// open makes the directory of the groups, notes it in record and tries whether a
// process can be started there.
func (c *cgroups) open(record string) error {
	if err := os.Mkdir(c.path, 0o755); err != nil {
		return fmt.Errorf("cannot make a cgroup: %w", err)
	}
	err := os.WriteFile(record, []byte(c.path), 0o600)
	if err == nil {
		err = c.try()
	}
	if err == nil && os.Getpid() == 1 {
		c.orphans, err = adoptOrphans()
	}
	if err != nil {
		return errors.Join(err, os.Remove(c.path))
	}
	return nil
}

// try starts a program without a name: if the kernel gets as far as missing it,
// everything before has worked. Without any error the child was killed; that is
// the fate of all in this group when ours was sent KILL once, see remake.
func (c *cgroups) try() error {
	g, err := c.Group("try")
	if err != nil {
		return err
	}
	attr := syscall.ProcAttr{Sys: &syscall.SysProcAttr{}}
	err = g.Start("", []string{"try"}, &attr, nil)
	switch {
	case err == nil:
		_, err = g.Reap(nil)
		err = errors.Join(errors.New("the kernel kills what is started in a cgroup below this one"), err)
	case errors.Is(err, unix.ENOENT):
		err = nil
	default:
		err = fmt.Errorf("cannot start a process in a cgroup: %w", err)
	}
	return errors.Join(err, g.Close())
}

func (c *cgroups) Feature() string { return octaskly.KillCgroup }

func (c *cgroups) Group(name string) (Group, error) {
	g := &cgroup{path: filepath.Join(c.path, name), orphans: c.orphans, dir: -1, events: -1, kill: -1}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (c *cgroups) Close() error {
	if c.orphans != nil {
		c.orphans.close()
	}
	return removeCgroup(c.path)
}

// sweepCgroups kills and removes the groups of an earlier process.
func sweepCgroups(dir string) error {
	var places []string
	if noted, err := os.ReadFile(filepath.Join(dir, placeFile)); err == nil {
		places = append(places, string(noted))
	}
	if parents, err := ownCgroups(); err == nil {
		for _, parent := range parents {
			places = append(places, filepath.Join(parent, placeName(dir)))
		}
	}
	slices.Sort(places)
	for _, place := range slices.Compact(places) {
		if filepath.Base(place) != placeName(dir) {
			continue // a copied state directory: these groups are its original's
		}
		if err := sweepCgroup(place); err != nil {
			return fmt.Errorf("cannot kill what an earlier executor left in %q: %w", place, err)
		}
	}
	return nil
}

func sweepCgroup(path string) error {
	events, err := unix.Open(filepath.Join(path, "cgroup.events"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(events)
	if err := os.WriteFile(filepath.Join(path, "cgroup.kill"), []byte("1"), 0); err != nil {
		return err
	}
	if err := awaitEmpty(events, sweepPatience); err != nil {
		return err
	}
	return removeCgroup(path)
}

// removeCgroup removes an empty cgroup and those below it. A cgroup's files go
// with its directory.
func removeCgroup(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeCgroup(filepath.Join(path, entry.Name())))
		}
	}
	return errors.Join(err, os.Remove(path))
}
