package resources

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/procfs"
)

// trees is a Containment by best effort.
type trees struct {
	dir     string
	why     error // there are no cgroups
	orphans *orphans
}

func openTrees(dir string, why error) (*trees, error) {
	o, err := adoptOrphans()
	if err != nil {
		return nil, err
	}
	return &trees{dir: dir, why: why, orphans: o}, nil
}

func (t *trees) Feature() string { return octaskly.KillBestEffort }

func (t *trees) Group(name string) (Group, error) {
	note, err := openNote(filepath.Join(t.dir, notePrefix+name))
	if err != nil {
		return nil, err
	}
	return &tree{orphans: t.orphans, note: note}, nil
}

// Adopt leaves the note as it was written before the command's start.
func (t *trees) Adopt(name string, pid int, marks []string) (Group, error) {
	g, err := t.Group(name)
	if err != nil {
		return nil, err
	}
	own := g.(*tree)
	own.pid, own.marks = pid, marks
	t.orphans.adopt(pid)
	return g, nil
}

func (t *trees) Close() error {
	t.orphans.close()
	return nil
}

// tree is a Group by best effort.
type tree struct {
	leader
	unlimited
	orphans *orphans
	note    *note
	marks   []string
}

func (t *tree) Start(path string, argv []string, attr *syscall.ProcAttr, marks []string) error {
	attr.Sys.Setsid = true
	t.marks = marks
	if err := t.note.write(marks); err != nil {
		return err
	}
	return t.orphans.start(&t.leader, path, argv, attr)
}

func (t *tree) Kill() error { return t.Signal(unix.SIGKILL) }

func (t *tree) Clear(patience time.Duration) (leftover bool, err error) {
	if !t.orphans.suspicious(t.pid, t.marks) {
		return false, nil
	}
	return exterminate(patience, func() []procfs.Process {
		all := procfs.All()
		t.orphans.reap(all)
		return t.members(all)
	})
}

// members returns the living processes that the command has left, and when there
// is no other command also those that no command can be found for.
func (t *tree) members(all map[int]procfs.Process) (members []procfs.Process) {
	alone := t.orphans.alone(t.pid)
	for _, p := range all {
		if p.PID != t.pid && !p.Dead && (t.ours(p) || t.found(p, all, alone)) {
			members = append(members, p)
		}
	}
	return members
}

// ours reports whether p is certainly the command's: that is not reaped, so
// nobody else has its number.
func (t *tree) ours(p procfs.Process) bool { return p.Session == t.pid || p.Group == t.pid }

// found reports whether p is one of our descendants and looks like the command's.
func (t *tree) found(p procfs.Process, all map[int]procfs.Process, alone bool) bool {
	found := false
	for a := range p.Lineage(all) {
		if a.PID == os.Getpid() {
			return found
		}
		found = found || t.ours(a) || procfs.Marked(a.PID, t.marks) || alone && a.Session != t.orphans.session
	}
	return false
}

func (t *tree) Reap(usage *syscall.Rusage) (syscall.WaitStatus, error) {
	defer t.orphans.forget(t.pid)
	return t.leader.Reap(usage)
}

func (t *tree) Close() error { return t.note.close() }
