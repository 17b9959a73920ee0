package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// meter tells the processor time of everything that this process starts, also of
// what it never waits for: it makes a cgroup for itself. That takes cgroup2, but
// no controller.
type meter struct {
	above  string // where this process came from
	path   string
	inside string // of the file system of cgroups
	own    bool   // made here
}

// openMeter moves this process, unless a service manager has given it a cgroup
// of its own.
func openMeter() (*meter, error) {
	mount, inside, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	m := &meter{above: filepath.Join(mount, inside), inside: inside}
	if inside != "/" {
		m.path = m.above
		return m, nil
	}
	m.own, m.inside = true, filepath.Join(inside, "octaskly-bench-"+strconv.Itoa(os.Getpid()))
	m.path = filepath.Join(mount, m.inside)
	if err := os.Mkdir(m.path, 0o755); err != nil {
		return nil, err
	}
	return m, enter(m.path)
}

// ownCgroup is this process's in cgroup2, and where that is mounted.
func ownCgroup() (mount, inside string, err error) {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(self)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			inside = strings.TrimSpace(path)
		}
	}
	for _, mount := range []string{"/sys/fs/cgroup", hybridMount} {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.procs")); err == nil && inside != "" {
			return mount, inside, nil
		}
	}
	return "", "", errors.New("there is no cgroup2, without which there are no boxes")
}

// hybrid reports whether there is the older version besides.
func (m *meter) hybrid() bool { return strings.HasPrefix(m.path, hybridMount) }

const hybridMount = "/sys/fs/cgroup/unified"

// below names a cgroup within ours, as OCI does. Runtimes would leave its parents
// in all hierarchies of the older version; there it is up to them.
func (m *meter) below(name string) string {
	if m.hybrid() {
		return ""
	}
	return filepath.Join(m.inside, name)
}

func enter(cgroup string) error {
	return os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte("0"), 0)
}

// spent is the processor time so far.
func (m *meter) spent() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(m.path, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	usage, ok := bytes.CutPrefix(text, []byte("usage_usec "))
	if !ok {
		return 0, fmt.Errorf("cannot read processor time %.80q", text)
	}
	line, _, _ := bytes.Cut(usage, []byte("\n"))
	n, err := strconv.ParseInt(string(line), 10, 64)
	return time.Duration(n) * time.Microsecond, err
}

func (m *meter) close() error {
	if !m.own {
		return nil
	}
	return errors.Join(enter(m.above), os.Remove(m.path))
}
