package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	unit     = "octasklyd-executor.service"
	tasks    = "/sys/fs/cgroup/octaskly.slice/" + unit + "/tasks"
	state    = "/var/lib/octaskly/executor"
	firstUID = 0x70000000
	uids     = 65536
	// spare is how many descriptors more the executor may have than it had: boxes
	// that wait come and go.
	spare = 24
	// growth is of its memory, likewise.
	growth = 64 << 20
)

// traces are what tasks must leave as it was.
type traces struct {
	executor    int // its process
	descriptors int
	memory      int // bytes
	boxes       int // cgroups with a box that waits
	found       map[string]bool
}

func look() (traces, error) {
	t := traces{found: map[string]bool{}}
	said, err := exec.Command("systemctl", "show", "--value", "-p", "MainPID", unit).Output()
	if err != nil {
		return t, err
	}
	if t.executor, err = strconv.Atoi(strings.TrimSpace(string(said))); err != nil || t.executor == 0 {
		return t, fmt.Errorf("the executor does not run: %q", said)
	}
	proc := "/proc/" + strconv.Itoa(t.executor)
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		return t, err
	}
	t.descriptors, t.memory = len(fds), resident(proc)
	t.processes()
	t.cgroups()
	t.mounts("/proc/self/mountinfo", "mount")
	t.mounts(proc+"/mountinfo", "mount of the executor")
	t.workspaces()
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run", "/dev/mqueue"} {
		t.files(dir)
	}
	for _, pattern := range []string{"/sys/block/loop*/loop/backing_file", state + "/*", state + "/kept/*", "/var/crash/*", "/var/lib/systemd/coredump/*"} {
		t.paths(pattern)
	}
	t.systemV()
	return t, nil
}

// left says what has come since the machine was at rest, when it has had the time
// to be so again.
func (l *lab) left() (more []string) {
	for end := time.Now().Add(cleaning); ; time.Sleep(100 * time.Millisecond) {
		now, err := look()
		if err != nil {
			return []string{err.Error()}
		}
		if more = l.calm.missing(&now); len(more) == 0 {
			return nil
		}
		if time.Now().After(end) {
			l.calm = now // every row has its own
			return more
		}
	}
}

// missing says what now has and t has not.
func (t *traces) missing(now *traces) (more []string) {
	for trace := range now.found {
		if !t.found[trace] {
			more = append(more, trace)
		}
	}
	if now.executor != t.executor {
		more = append(more, "another executor")
	}
	if now.descriptors > t.descriptors+spare {
		more = append(more, fmt.Sprintf("%d descriptors of the executor, %d before", now.descriptors, t.descriptors))
	}
	if now.memory > t.memory+growth {
		more = append(more, fmt.Sprintf("%d bytes of the executor, %d before", now.memory, t.memory))
	}
	if now.boxes > max(t.boxes, maxAhead) {
		more = append(more, fmt.Sprintf("%d boxes that wait, %d before", now.boxes, t.boxes))
	}
	slices.Sort(more)
	return more
}

// maxAhead is how many boxes wait for tasks: as many as there are slots.
const maxAhead = 4

func resident(proc string) int {
	text, _ := os.ReadFile(proc + "/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

func (t *traces) note(format string, args ...any) { t.found[fmt.Sprintf(format, args...)] = true }

// runAs is the user of tasks without a sandbox.
var runAs = func() uint32 {
	said, _ := exec.Command("id", "-u", "octaskly-task").Output()
	uid, err := strconv.ParseUint(strings.TrimSpace(string(said)), 10, 32)
	if err != nil {
		return firstUID
	}
	return uint32(uid)
}()

func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && isTask(stat.Uid)
}

func (t *traces) processes() {
	// Not by the owner of /proc/PID, which is root where a process may not be
	// dumped.
	paths, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range paths {
		status, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			rest, ok := strings.CutPrefix(line, "Uid:")
			if uid := strings.Fields(rest); ok && len(uid) == 4 && (ofTask(uid[0]) || ofTask(uid[1])) {
				t.note("process %s %s", strings.Split(path, "/")[2], firstLine(status))
			}
		}
	}
}

func ofTask(text string) bool {
	uid, err := strconv.ParseUint(text, 10, 32)
	return err == nil && isTask(uint32(uid))
}

func isTask(uid uint32) bool { return uid == runAs || uid >= firstUID && uid < firstUID+uids }

func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}

// cgroups may be those of slots, and of boxes with nothing in them but
// octaskly-init.
func (t *traces) cgroups() {
	dirs, _ := filepath.Glob(tasks + "/*")
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		name := filepath.Base(dir)
		if strings.HasPrefix(name, "box-") {
			t.boxes++
		} else {
			t.note("cgroup %s", name)
		}
		if below, _ := filepath.Glob(dir + "/*/cgroup.procs"); len(below) > 0 {
			t.note("cgroups below %s", name)
		}
		pids, _ := os.ReadFile(dir + "/cgroup.procs")
		for pid := range strings.FieldsSeq(string(pids)) {
			comm, err := os.ReadFile("/proc/" + pid + "/comm")
			if text := strings.TrimSpace(string(comm)); err == nil && text != "octaskly-init" {
				t.note("%s in cgroup %s", text, name)
			}
		}
	}
}

// mounts leaves out their numbers.
func (t *traces) mounts(path, what string) {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			t.note("%s %s", what, strings.Join(fields[3:], " "))
		}
	}
}

// workspaces may be there, but nothing in them.
func (t *traces) workspaces() {
	_ = filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		info, err := d.Info()
		if err != nil || !owned(info) {
			return nil
		}
		if entries, _ := os.ReadDir(path); !d.IsDir() || len(entries) > 0 {
			t.note("%s of a task", path)
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// files are what tasks own in a tree.
func (t *traces) files(root string) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if d == nil {
			return nil
		}
		if info, err := d.Info(); err == nil && owned(info) {
			t.note("%s of a task", path)
		}
		return nil
	})
}

func (t *traces) paths(pattern string) {
	paths, _ := filepath.Glob(pattern)
	for _, path := range paths {
		t.note("%s", path)
	}
}

// systemV are shared memory, semaphores and queues that outlive processes.
func (t *traces) systemV() {
	for _, kind := range []string{"shm", "sem", "msg"} {
		text, _ := os.ReadFile("/proc/sysvipc/" + kind)
		for i, line := range strings.Split(string(text), "\n") {
			if fields := strings.Fields(line); i > 0 && len(fields) > 1 {
				t.note("%s %s", kind, fields[1])
			}
		}
	}
}
