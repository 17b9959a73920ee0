package resources

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	means   means // that its groups have
	orphans *orphans
}

// open makes the directory of the groups, notes it in record and tries whether a
// process can be started there.
func (c *cgroups) open(record string) error {
	place, err := makePlace(c.path)
	if err != nil {
		return fmt.Errorf("cannot make a cgroup: %w", err)
	}
	c.path = place
	err = os.WriteFile(record, []byte(c.path), 0o600)
	if err == nil {
		err = c.try()
	}
	if err == nil {
		err = c.equip()
	}
	if err == nil {
		err = c.adoptOrphans()
	}
	if err != nil {
		return errors.Join(err, os.Remove(c.path))
	}
	return nil
}

// adoptOrphans is for process 1: orphans come to it.
func (c *cgroups) adoptOrphans() (err error) {
	if os.Getpid() == 1 {
		c.orphans, err = adoptOrphans()
	}
	return err
}

// resumeCgroups goes on with the groups that an earlier program of this process
// has made. That one may not have known of controllers.
func resumeCgroups(dir string) (*cgroups, error) {
	place, err := os.ReadFile(filepath.Join(dir, placeFile))
	if err != nil {
		return nil, fmt.Errorf("cannot find the cgroups of the commands that run: %w", err)
	}
	c := &cgroups{path: string(place)}
	return c, errors.Join(c.adoptOrphans(), c.equip())
}

// maxPlaces is how many names are tried for the directory of the groups.
const maxPlaces = 10

// makePlace makes the directory at path, or beside it where something that does
// not die of KILL is left in there: a process that hangs in the kernel must not
// keep a machine from working.
func makePlace(path string) (place string, err error) {
	for i := range maxPlaces {
		place = path
		if i > 0 {
			place += "." + strconv.Itoa(i)
			_ = sweepCgroup(place) // whatever stays there, stays
		}
		if err = os.Mkdir(place, 0o755); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return place, err
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
	g := c.group(name)
	if err := g.make(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Adopt takes for granted that KILL was sent, so that the group is remade.
func (c *cgroups) Adopt(name string, pid int, _ []string) (Group, error) {
	g := c.group(name)
	g.pid = pid
	g.spoiled.Store(true)
	if c.orphans != nil {
		c.orphans.adopt(pid)
	}
	if err := g.open(); err != nil {
		g.closeFiles()
		return nil, err
	}
	g.recall()
	return g, nil
}

func (c *cgroups) group(name string) *cgroup {
	return &cgroup{
		path: filepath.Join(c.path, name), means: &c.means, orphans: c.orphans, meter: newMeter(), dir: -1, events: -1, kill: -1,
	}
}

func (c *cgroups) Close() error {
	if c.orphans != nil {
		c.orphans.close()
	}
	return removeCgroup(c.path)
}

// sweepCgroups kills and removes the groups of an earlier process. What hangs in
// the kernel is left: it dies when it can.
func sweepCgroups(dir string, log *slog.Logger) error {
	places, _ := placesFor(dir)
	// In a copied state directory, what is noted are its original's groups.
	if noted, err := os.ReadFile(filepath.Join(dir, placeFile)); err == nil && strings.HasPrefix(filepath.Base(string(noted)), placeName(dir)) {
		places = append(places, string(noted))
	}
	slices.Sort(places)
	for _, place := range slices.Compact(places) {
		err := sweepCgroup(place)
		if errors.Is(err, ErrAlive) {
			log.Error("What an earlier executor left hangs in the kernel and stays", "cgroup", place, "error", err)
			continue
		}
		if err != nil {
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
