package resources

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// orphans are descendants of commands whose parents have died, so that they have
// become children of this process. Somebody must reap them, and nobody may reap
// what others wait for: a command, a child that ForkExec has not returned yet, or
// a child that another part of this program started in our own session.
type orphans struct {
	children int // the open list of our main thread's children; -1: this kernel has none
	session  int // our own

	mu      sync.Mutex
	leaders map[int]bool     // commands that are not reaped
	forking int              // how many are being started
	seen    map[int]sighting // children that are no commands
}

type sighting struct{ first, looked time.Time }

// settled is how old an unknown child is that ForkExec is certainly through with.
const settled = time.Second

// adoptOrphans makes this process the one that orphans come to.
func adoptOrphans() (*orphans, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("cannot become the reaper of orphans: %w", err)
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return nil, fmt.Errorf("cannot ask for this process's session: %w", err)
	}
	o := &orphans{session: session, leaders: map[int]bool{}, seen: map[int]sighting{}}
	// The kernel gives orphans to the first thread that is alive, and Go never
	// ends the main one.
	pid := os.Getpid()
	o.children, err = unix.Open(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		o.children = -1
	}
	return o, nil
}

func (o *orphans) close() {
	if o.children >= 0 {
		unix.Close(o.children)
		o.children = -1
	}
}

func (o *orphans) start(l *leader, path string, argv []string, attr *syscall.ProcAttr) error {
	o.mu.Lock()
	o.forking++
	o.mu.Unlock()
	err := l.fork(path, argv, attr)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forking--
	if err == nil {
		o.leaders[l.pid] = true
	}
	return err
}

// adopt makes a command of a child that an earlier program of this process has
// started.
func (o *orphans) adopt(leader int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leaders[leader] = true
}

func (o *orphans) forget(leader int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.leaders, leader)
}

// alone reports whether no command but this one is there.
func (o *orphans) alone(leader int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	others := len(o.leaders)
	if o.leaders[leader] {
		others--
	}
	return others+o.forking == 0
}

// suspicious reports whether a child of this process may be what the command has
// left. It costs some microseconds, where a look at all of /proc costs
// milliseconds.
func (o *orphans) suspicious(leader int, marks []string) bool {
	if o.children < 0 {
		return true
	}
	var buf [4096]byte
	n, err := unix.Pread(o.children, buf[:], 0)
	if err != nil || n == len(buf) {
		return true
	}
	unknown := o.unknown(string(buf[:n]))
	alone := len(unknown) > 0 && o.alone(leader)
	for _, pid := range unknown {
		if alone || o.suspect(pid, leader, marks) {
			return true
		}
	}
	return false
}

// unknown returns the children that are no commands, and forgets when it saw
// those that are no more.
func (o *orphans) unknown(children string) (unknown []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for word := range strings.FieldsSeq(children) {
		if pid, err := strconv.Atoi(word); err == nil && !o.leaders[pid] {
			unknown = append(unknown, pid)
		}
	}
	maps.DeleteFunc(o.seen, func(pid int, _ sighting) bool { return !slices.Contains(unknown, pid) })
	return unknown
}

// suspect judges an unknown child. Without any sign of the command it may be
// about to become one itself, belong to another, or be dead and not reaped; it is
// looked into when it is settled, and then from time to time.
func (o *orphans) suspect(pid, leader int, marks []string) bool {
	session, err := unix.Getsid(pid)
	if err != nil || session == o.session {
		return false
	}
	group, err := unix.Getpgid(pid)
	if err != nil {
		return false
	}
	return session == leader || group == leader || procfs.Marked(pid, marks) || o.due(pid)
}

// due reports whether it is time to look into a settled child.
func (o *orphans) due(pid int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	s, before := o.seen[pid]
	if !before {
		s = sighting{first: now, looked: now}
	}
	due := now.Sub(s.looked) > settled
	if due {
		s.looked = now
	}
	o.seen[pid] = s
	return due
}

// reap buries the orphans among all that are dead.
func (o *orphans) reap(all map[int]procfs.Process) {
	own := os.Getpid()
	for _, p := range all {
		if p.Parent == own && p.Dead && o.mine(p) {
			_, _ = syscall.Wait4(p.PID, nil, syscall.WNOHANG, nil)
		}
	}
}

// mine reports whether a child of this process is certainly an orphan. One that
// leads a process group may also be a command that ForkExec is giving up, unless
// it is settled.
func (o *orphans) mine(p procfs.Process) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, seen := o.seen[p.PID]
	perhapsCommand := o.forking > 0 && p.PID == p.Group && !(seen && time.Since(s.first) > settled)
	return p.Session != o.session && !o.leaders[p.PID] && !perhapsCommand
}
