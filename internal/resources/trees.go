package resources

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
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
	return exterminate(patience, func() []process {
		all := snapshot()
		t.orphans.reap(all)
		return t.members(all)
	})
}

// members returns the living processes that the command has left, and when there
// is no other command also those that no command can be found for.
func (t *tree) members(all map[int]process) (members []process) {
	alone := t.orphans.alone(t.pid)
	for _, p := range all {
		if p.pid != t.pid && !p.zombie && (t.ours(p) || t.found(p, all, alone)) {
			members = append(members, p)
		}
	}
	return members
}

// ours reports whether p is certainly the command's: that is not reaped, so
// nobody else has its number.
func (t *tree) ours(p process) bool { return p.session == t.pid || p.group == t.pid }

// found reports whether p is one of our descendants and looks like the command's.
func (t *tree) found(p process, all map[int]process, alone bool) bool {
	found := false
	for a := range lineage(p, all) {
		if a.pid == os.Getpid() {
			return found
		}
		found = found || t.ours(a) || hasMarks(a.pid, t.marks) || alone && a.session != t.orphans.session
	}
	return false
}

func (t *tree) Reap(usage *syscall.Rusage) (syscall.WaitStatus, error) {
	defer t.orphans.forget(t.pid)
	return t.leader.Reap(usage)
}

func (t *tree) Close() error { return t.note.close() }
