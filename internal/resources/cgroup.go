package resources

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/procfs"
)

// ErrAlive says that processes do not die of KILL: they hang in the kernel.
var ErrAlive = errors.New("processes are still alive")

// lag is how long the kernel may list a group as populated whose last member is
// dead. It tells of changes only every 10 ms.
const lag = 50 * time.Millisecond

// cgroup is a Group by cgroup2: one directory, used for command after command
// until it is spoiled.
type cgroup struct {
	leader
	meter
	path    string
	means   *means
	orphans *orphans // nil unless orphans come to us, who are process 1

	dir, events, kill int             // open files; -1: not open
	bounds            octaskly.Limits // that are set, as far as they are ours
	used              bool            // somebody was here since the meter was set to nothing
	spoiled           atomic.Bool     // what comes next needs a new directory; see remake
}

// make makes the directory, in the place of one that is left over, and opens it.
func (g *cgroup) make() error {
	err := unix.Mkdir(g.path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = errors.Join(removeCgroup(g.path), unix.Mkdir(g.path, 0o755))
	}
	if err != nil {
		return fmt.Errorf("cannot make cgroup %q: %w", g.path, err)
	}
	return g.open()
}

func (g *cgroup) open() (err error) {
	if g.dir, err = unix.Open(g.path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
		g.events, err = unix.Openat(g.dir, "cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		g.kill, err = unix.Openat(g.dir, "cgroup.kill", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		err = g.meter.openGauge(g.dir, cpuStat) // the one that every group needs
	}
	if err != nil {
		return fmt.Errorf("cannot open cgroup %q: %w", g.path, err)
	}
	return nil
}

// ready makes what has been nobody's: what happened in the group counts no more.
func (g *cgroup) ready() error {
	switch {
	case g.spoiled.Load():
		return g.remake()
	case g.used:
		g.used = false
		return g.rebase()
	}
	return nil
}

func (g *cgroup) Start(path string, argv []string, attr *syscall.ProcAttr, _ []string) error {
	if err := g.ready(); err != nil {
		return err
	}
	g.used, g.final = true, false
	sys := attr.Sys
	sys.UseCgroupFD, sys.CgroupFD = true, g.dir
	sys.Setsid = true
	if g.orphans != nil {
		return g.orphans.start(&g.leader, path, argv, attr)
	}
	return g.fork(path, argv, attr)
}

func (g *cgroup) Reap(usage *syscall.Rusage) (syscall.WaitStatus, error) {
	if g.orphans != nil {
		defer g.orphans.forget(g.pid)
	}
	return g.leader.Reap(usage)
}

func (g *cgroup) Kill() error {
	g.spoiled.Store(true)
	if _, err := unix.Write(g.kill, []byte("1")); err != nil {
		return fmt.Errorf("cannot kill cgroup %q: %w", g.path, err)
	}
	return nil
}

func (g *cgroup) Clear(patience time.Duration) (leftover bool, err error) {
	populated, frozen, err := readEvents(g.events)
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return false, fmt.Errorf("cannot read cgroup %q: %w", g.path, err)
	}
	// Only an empty group can have been removed by the command.
	removed := err != nil
	if populated {
		if leftover, err = g.clear(patience); err != nil {
			return leftover, err
		}
	}
	if g.orphans != nil && g.orphans.suspicious(g.pid, nil) {
		g.orphans.reap(procfs.All())
	}
	g.used = true
	if removed || frozen || g.means.spoil {
		g.spoiled.Store(true)
	}
	return leftover, nil
}

// remake replaces a directory that the command has meddled with, whose counters
// cannot be set back, or that KILL was sent to: Linux 6.14 and later kill every
// process that is started into such a group afterwards, because they compare the
// wrong group's count of kills. It is left until something is started: a group
// that was for one command is then just removed.
func (g *cgroup) remake() error {
	g.closeFiles()
	if err := removeCgroup(g.path); err != nil {
		return fmt.Errorf("cannot remake a cgroup: %w", err)
	}
	if err := g.make(); err != nil {
		return err
	}
	g.used, g.bounds = false, octaskly.Limits{}
	g.spoiled.Store(false)
	g.forget()
	return nil
}

// clear empties a populated group. The command itself may be dead and not yet
// off the list.
func (g *cgroup) clear(patience time.Duration) (leftover bool, err error) {
	if !g.hasOthers() && awaitEmpty(g.events, lag) == nil {
		return false, nil
	}
	if err := g.Kill(); err != nil {
		return true, err
	}
	if err := awaitEmpty(g.events, patience); err != nil {
		return true, fmt.Errorf("cannot clear cgroup %q: %w", g.path, err)
	}
	return true, nil
}

// hasOthers reports whether the group itself, without groups that the command
// made below it, has a member beside the command.
func (g *cgroup) hasOthers() bool {
	procs, err := os.ReadFile(filepath.Join(g.path, "cgroup.procs"))
	if err != nil {
		return true
	}
	only := string(bytes.TrimSpace(procs))
	return only != "" && only != strconv.Itoa(g.pid)
}

func (g *cgroup) Close() error {
	g.closeFiles()
	return removeCgroup(g.path)
}

func (g *cgroup) closeFiles() {
	for _, fd := range []*int{&g.dir, &g.events, &g.kill} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	g.meter.close()
}

// readEvents reads an open cgroup.events.
func readEvents(fd int) (populated, frozen bool, err error) {
	var buf [128]byte
	n, err := unix.Pread(fd, buf[:], 0)
	if err != nil {
		return false, false, err
	}
	return bytes.Contains(buf[:n], []byte("populated 1")), bytes.Contains(buf[:n], []byte("frozen 1")), nil
}

// empty reports whether certainly nobody is in the group.
func (g *cgroup) empty() bool {
	populated, _, err := readEvents(g.events)
	return err == nil && !populated
}

// awaitEmpty waits until an open cgroup.events says that nobody is in the group.
func awaitEmpty(fd int, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		// Reading before every wait also tells the kernel which change we know.
		populated, _, err := readEvents(fd)
		if err != nil || !populated {
			return err
		}
		left := time.Until(end)
		if left <= 0 {
			return ErrAlive
		}
		wait := unix.NsecToTimespec(left.Nanoseconds())
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		if _, err := unix.Ppoll(fds, &wait, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
