package resources

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// sinceName is the extended attribute in which a group keeps what counts as
// nothing, for the program that comes after this one in the same process. Who
// may not write the group's files may not write it either.
const sinceName = "user.octaskly.since"

// unnoted is how much processor time, in µs, a group's note may lag behind.
// Nobody sees so little, and a note takes 3 µs.
const unnoted = 10_000

// rebase lets what is in use and was used count as nothing. To ask the kernel for
// that takes 10 µs when something has just run.
func (g *cgroup) rebase() (err error) {
	g.seen, g.since = reading{}, g.latest
	if !g.final {
		if g.since, err = g.measure(); err != nil {
			return err
		}
	}
	if s, n := g.since, g.noted; s.memory == n.memory && s.written == n.written && s.read == n.read && s.cpu-n.cpu < unnoted {
		return nil
	}
	if err := g.note(); err != nil {
		return fmt.Errorf("cannot note what cgroup %q has used: %w", g.path, err)
	}
	g.noted = g.since
	return nil
}

func (g *cgroup) note() error {
	s := &g.since
	text := fmt.Appendf(make([]byte, 0, 64), "%d %d %d %d %d %d %d",
		s.cpu, s.memory, s.memoryPeak, s.processes, s.processesPeak, s.read, s.written)
	return unix.Fsetxattr(g.dir, sinceName, text, 0)
}

// recall is for a group of an earlier program: it finds what note has written, and
// how many processes there may be. A group without a note was new.
func (g *cgroup) recall() {
	var buf [256]byte
	n, err := unix.Fgetxattr(g.dir, sinceName, buf[:])
	if s := (reading{}); err == nil {
		if _, err := fmt.Sscan(string(buf[:n]), &s.cpu, &s.memory, &s.memoryPeak, &s.processes, &s.processesPeak, &s.read, &s.written); err == nil {
			g.since = s
		}
	}
	if most, err := g.look("pids.max"); err == nil && most < math.MaxInt64 {
		g.bounds.Processes = most - g.since.processes
	}
}

// look reads a file of one number.
func (g *cgroup) look(name string) (int64, error) {
	fd, err := unix.Openat(g.dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	var buf [32]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0, err
	}
	return number(buf[:n])
}
