package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killPatience is how long a process may take to die of KILL.
const killPatience = 5 * time.Second

// process is one of another parent's.
type process struct {
	pid, parent int
	start       string // with pid, it names a process for ever; see proc_pid_stat(5)
}

// sweep kills what the daemons' commands have left: what killed daemons had
// below them, and whoever works in the scratch directory. The error names them.
func (c *Cluster) sweep() error {
	var errs []error
	for _, p := range append(c.left, inside(c.Dir)...) {
		what, err := p.kill(killPatience)
		switch {
		case err == nil:
			errs = append(errs, fmt.Errorf("process %d (%s) has outlived its daemon", p.pid, what))
		case !errors.Is(err, unix.ESRCH):
			errs = append(errs, fmt.Errorf("cannot kill process %d: %w", p.pid, err))
		}
	}
	return errors.Join(errs...)
}

// descendants are the children of a process, theirs, and so on.
func descendants(pid int) []process {
	all := processes()
	family := map[int]bool{pid: true}
	var found []process
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if family[p.parent] && !family[p.pid] {
				family[p.pid], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found
}

// inside are the processes whose working directory is in dir.
func inside(dir string) []process {
	var found []process
	for _, p := range processes() {
		if cwd, err := os.Readlink(p.path("cwd")); err == nil && strings.HasPrefix(cwd, dir+"/") {
			found = append(found, p)
		}
	}
	return found
}

func processes() []process {
	dirs, err := filepath.Glob("/proc/[1-9]*")
	if err != nil {
		return nil
	}
	var all []process
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			if p, err := readProcess(pid); err == nil {
				all = append(all, p)
			}
		}
	}
	return all
}

// readProcess reads "pid (name) state parent …"; the name may contain anything.
func readProcess(pid int) (process, error) {
	p := process{pid: pid}
	text, err := os.ReadFile(p.path("stat"))
	if err != nil {
		return p, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return p, fmt.Errorf("cannot read process status %.80q", text)
	}
	p.start = string(fields[19])
	p.parent, err = strconv.Atoi(string(fields[1]))
	return p, err
}

// kill waits for the end. It returns the command line, and an error where the
// process is dead, or the id another one's by now.
func (p process) kill(patience time.Duration) (what string, err error) {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if now, err := readProcess(p.pid); err != nil || now.start != p.start {
		return "", unix.ESRCH
	}
	line, err := os.ReadFile(p.path("cmdline"))
	if err != nil || len(line) == 0 {
		return "", unix.ESRCH // a zombie
	}
	what = strings.ReplaceAll(strings.TrimRight(string(line), "\x00"), "\x00", " ")
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return "", err
	}
	return what, awaitEnd(fd, patience)
}

// awaitEnd waits for a pidfd to become readable: pidfd_open(2).
func awaitEnd(fd int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
		switch {
		case n > 0:
			return nil
		case err == nil || time.Until(deadline) <= 0:
			return fmt.Errorf("it lives %v after KILL", patience)
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

func (p process) path(file string) string { return "/proc/" + strconv.Itoa(p.pid) + "/" + file }
