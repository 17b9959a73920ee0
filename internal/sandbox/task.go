package sandbox

import (
	"fmt"
	"math"
	"path"
	"strings"
)

// Task is what a box is for.
type Task struct {
	Argv      []string
	Env       []string // "NAME=value"; see Environ
	Dir       string   // where it starts, as it sees it; empty: its workspace
	Workspace string   // the directory of the machine that is its own
	Tmp       string   // a second one, to be its /tmp; empty: a tmpfs of TmpSize, which counts as memory
	TmpSize   int64    // bytes; if 0, 64 MiB
	Show      []string // further paths of the machine, to read and execute
	UID, GID  uint32   // of nobody else
	Umask     uint32

	// HostNetwork gives it the machine's network. Otherwise it has one of its own,
	// with nothing in it but a loopback interface.
	HostNetwork bool

	Limits Limits
}

// Limits are what setrlimit(2) can bound. 0 is no bound, but for OpenFiles: 1024,
// which a task can raise as far as systemd lets services.
type Limits struct {
	OpenFiles uint64
	Processes uint64 // and threads, of the task's user
	CPUTime   uint64 // seconds, of each process
	FileSize  uint64 // bytes
}

const (
	maxShow     = 16
	maxTmp      = 1 << 40
	maxID       = math.MaxUint32 - 1
	defaultTmp  = 64 << 20
	defaultOpen = 1024
	minOpen     = 32 // to start takes some
	maxOpen     = 1 << 20

	unboundedOpen = 1 << 19
	pathLimit     = 4095
)

// check refuses what no box can be made for.
func (t *Task) check() error {
	switch {
	case len(t.Argv) == 0 || t.Argv[0] == "":
		return fmt.Errorf("there is no command")
	case t.UID == 0 || t.GID == 0 || t.UID > maxID || t.GID > maxID:
		return fmt.Errorf("user %d, group %d cannot be a task's", t.UID, t.GID)
	case t.Umask > 0o777:
		return fmt.Errorf("%#o is no umask", t.Umask)
	case t.TmpSize < 0 || t.TmpSize > maxTmp:
		return fmt.Errorf("%d bytes are no size for /tmp", t.TmpSize)
	case len(t.Show) > maxShow:
		return fmt.Errorf("%d paths are to be shown, %d can be", len(t.Show), maxShow)
	case t.Limits.OpenFiles > maxOpen || 0 < t.Limits.OpenFiles && t.Limits.OpenFiles < minOpen:
		return fmt.Errorf("%d open files are not from %d to %d", t.Limits.OpenFiles, minOpen, maxOpen)
	}
	if err := checkPath("workspace", t.Workspace); err != nil {
		return err
	}
	for _, p := range t.Show {
		if reserved(p) {
			return fmt.Errorf("path %.80q is the box's own", p)
		}
	}
	if t.Dir != "" && t.Dir != "/" { // the box's own root is nobody's secret
		if err := checkPath("directory", t.Dir); err != nil {
			return err
		}
	}
	for _, p := range append([]string{t.Tmp}, t.Show...) {
		if err := checkPath("path", p); p != "" && err != nil {
			return err
		}
	}
	return checkStrings(t.Argv, t.Env)
}

func checkPath(what, p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || len(p) > pathLimit || strings.IndexByte(p, 0) >= 0 {
		return fmt.Errorf("%s %.80q is not absolute and clean", what, p)
	}
	return nil
}

// reserved reports whether a path has a meaning in every box.
func reserved(p string) bool {
	for _, own := range []string{"/proc", "/sys", "/dev", "/etc", Workspace, tmp} {
		if p == own || strings.HasPrefix(p, own+"/") {
			return true
		}
	}
	return false
}

func checkStrings(lists ...[]string) error {
	for _, list := range lists {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return fmt.Errorf("%.40q has a NUL byte", s)
			}
		}
	}
	return nil
}

func (t *Task) tmpSize() int64 {
	if t.TmpSize == 0 {
		return defaultTmp
	}
	return t.TmpSize
}
