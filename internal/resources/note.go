package resources

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// notePrefix begins the names of notes in the state directory.
const notePrefix = "running-"

// note is a small file that tells a later process how to find what this one has
// left, should it die: the boot, the time before the start, and the marks, a
// line each, ended by an empty line.
type note struct {
	fd   int
	path string
	boot string
	buf  []byte
}

// openNote leaves the text of an older note until the next write.
func openNote(path string) (*note, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", path, err)
	}
	return &note{fd: fd, path: path, boot: boot}, nil
}

// write replaces what the note says. An older, longer text stays behind the
// empty line.
func (n *note) write(marks []string) error {
	n.buf = append(append(n.buf[:0], n.boot...), '\n')
	n.buf = append(strconv.AppendUint(n.buf, procfs.Ticks(), 10), '\n')
	for _, mark := range marks {
		n.buf = append(append(n.buf, mark...), '\n')
	}
	n.buf = append(n.buf, '\n')
	if _, err := unix.Pwrite(n.fd, n.buf, 0); err != nil {
		return fmt.Errorf("cannot write %q: %w", n.path, err)
	}
	return nil
}

func (n *note) close() error {
	return errors.Join(unix.Close(n.fd), os.Remove(n.path))
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("cannot tell which boot this is: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// left is a note read back.
type left struct {
	boot  string
	since uint64
	marks []string
}

func parseNote(text string) (l left, ok bool) {
	head, _, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 {
		return l, false
	}
	since, err := strconv.ParseUint(lines[1], 10, 64)
	return left{lines[0], since, lines[2:]}, err == nil
}

// sweepTrees kills what the notes of an earlier process lead to.
func sweepTrees(dir string) error {
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), notePrefix+"*"))
	if err != nil || len(paths) == 0 {
		return err
	}
	boot, err := bootID()
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot look for what an earlier executor left: %w", err)
		}
		if l, ok := parseNote(string(text)); ok && l.boot == boot {
			if err := l.kill(sweepPatience); err != nil {
				return fmt.Errorf("cannot kill what an earlier executor left: %w", err)
			}
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// globEscape makes path mean only itself in a pattern.
func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// kill ends the processes with these marks, their sessions, which the command
// has made, and their descendants.
func (l left) kill(patience time.Duration) error {
	_, err := exterminate(patience, func() []procfs.Process { return l.members(procfs.All()) })
	return err
}

// kthreadd is the parent of all threads of the kernel.
const kthreadd = 2

// marked reports whether p has the marks. In the middle of an exec a process has
// no environment for a moment.
func (l left) marked(p procfs.Process) bool {
	for range 20 {
		env, err := procfs.Environ(p.PID)
		if err != nil || len(env) > 0 || p.Parent == kthreadd {
			return procfs.Contains(env, l.marks)
		}
		time.Sleep(time.Millisecond)
	}
	return false // it was started with none
}

func (l left) members(all map[int]procfs.Process) (members []procfs.Process) {
	marked, sessions := map[int]bool{}, map[int]bool{}
	for pid, p := range all {
		if !p.Dead && p.Start+1 >= l.since && l.marked(p) {
			marked[pid], sessions[p.Session] = true, true
		}
	}
	for _, p := range all {
		for a := range p.Lineage(all) {
			if !p.Dead && p.PID != os.Getpid() && (marked[a.PID] || sessions[a.Session]) {
				members = append(members, p)
				break
			}
		}
	}
	return members
}
