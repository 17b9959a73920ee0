package resources

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// orphans are descendants of commands whose parents have died, so that they have
// become children of this process. Somebody must reap them, and nobody may reap
// what others wait for: a command, a child that ForkExec is about to give up, or
// a child that another part of this program started in our own session.
type orphans struct {
	children int // the open list of our main thread's children; -1: this kernel has none
	session  int // our own

	mu      sync.Mutex
	leaders map[int]bool // commands that are not reaped
	forking int
}

// adoptOrphans makes this process the one that orphans come to.
func adoptOrphans() (*orphans, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("cannot become the reaper of orphans: %w", err)
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return nil, fmt.Errorf("cannot ask for this process's session: %w", err)
	}
	o := &orphans{session: session, leaders: map[int]bool{}}
	// The kernel gives orphans to the first thread that is alive, and Go never
	// ends the main one.
	pid := os.Getpid()
	o.children, err = unix.Open(procPath(pid, "task/"+strconv.Itoa(pid)+"/children"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
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

// any reports whether this process has a child that is no command. It costs a
// few microseconds, where a snapshot costs milliseconds.
func (o *orphans) any() bool {
	if o.children < 0 {
		return true
	}
	var buf [4096]byte
	n, err := unix.Pread(o.children, buf[:], 0)
	if err != nil || n == len(buf) {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	pid := 0
	for _, c := range buf[:n] {
		switch {
		case c >= '0' && c <= '9':
			pid = 10*pid + int(c-'0')
		case !o.leaders[pid]:
			return true
		default:
			pid = 0
		}
	}
	return false
}

// reap buries the orphans among all that are dead.
func (o *orphans) reap(all map[int]process) {
	own := os.Getpid()
	for _, p := range all {
		if p.parent == own && p.zombie && o.mine(p) {
			_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// mine reports whether a child of this process is an orphan.
func (o *orphans) mine(p process) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	perhapsCommand := o.forking > 0 && p.pid == p.group
	return p.session != o.session && !o.leaders[p.pid] && !perhapsCommand
}
