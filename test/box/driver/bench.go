package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
	"github.com/octaskly/octaskly/test/box/boxcase"
)

// bench measures from the wish to start /bin/true to its end, of all kinds in
// turn: a plain fork and exec into a cgroup, a box made then and there, and one
// that was ready.
func (l *lab) bench(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: driver bench ROUNDS")
	}
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	kinds := []kind{{name: "plain", argv: []string{"/bin/true"}}}
	for _, level := range octaskly.Levels[1:] {
		s, err := sandbox.NewStarter(program, level, false, l.host)
		if err != nil {
			return err
		}
		kinds = append(kinds, kind{name: level.String(), level: level, starter: s},
			kind{name: level.String() + ", ready", level: level, starter: s, ready: true})
	}
	if _, err := os.Stat(bwrap[0]); err == nil {
		kinds = append(kinds, kind{name: "bwrap", argv: bwrap})
	}
	for range rounds {
		for i := range kinds {
			if err := l.measure(&kinds[i]); err != nil {
				return fmt.Errorf("%s: %w", kinds[i].name, err)
			}
		}
	}
	for i := range kinds {
		kinds[i].print(&kinds[0])
	}
	return nil
}

type kind struct {
	name    string
	argv    []string // what runs without a box of ours
	level   octaskly.Level
	starter *sandbox.Starter // nil: argv
	ready   bool
	walls   []time.Duration
	cpu     time.Duration // of all processes that ended
}

func (l *lab) measure(k *kind) error {
	before, began := childrenCPU(), time.Now()
	var err error
	if k.starter == nil {
		err = l.plain(k.argv)
	} else {
		err = l.boxed(k, &began)
	}
	k.walls, k.cpu = append(k.walls, time.Since(began)), k.cpu+childrenCPU()-before
	return err
}

// bwrap makes about what level strict is, where bubblewrap is installed, but for
// the user, limits, seccomp and Landlock.
var bwrap = []string{"/usr/bin/bwrap", "--unshare-all", "--new-session", "--die-with-parent", "--cap-drop", "ALL",
	"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
	"--proc", "/proc", "--dev", "/dev", "--bind", work, "/work", "--tmpfs", "/tmp", "--chdir", "/work", "true"}

func (l *lab) plain(argv []string) error {
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Files: []uintptr{uintptr(l.null), uintptr(l.null), uintptr(l.null)},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err == nil {
		_, err = unix.Wait4(pid, nil, 0, nil)
	}
	return err
}

func (l *lab) boxed(k *kind, began *time.Time) error {
	c, err := l.make()
	if err != nil {
		return err
	}
	defer c.close()
	if c.box, err = k.starter.Open(); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	if k.ready {
		if err := c.box.Ready(); err != nil {
			return err
		}
		*began = time.Now()
	}
	if err := k.starter.Launch(c.box, c.task(&boxcase.Case{Level: k.level, Argv: []string{"true"}}), [3]int{l.null, l.null, l.null}); err != nil {
		return err
	}
	_, err = unix.Wait4(c.pid, nil, 0, nil)
	return err
}

func (k *kind) print(plain *kind) {
	slices.Sort(k.walls)
	half, most := k.walls[len(k.walls)/2], k.walls[len(k.walls)*95/100]
	base := plain.walls[len(plain.walls)/2]
	fmt.Printf("%-20s p50 %8.3f ms  p95 %8.3f ms  %5.2f × plain  cpu %7.3f ms\n", k.name, ms(half), ms(most),
		float64(half)/float64(base), ms(k.cpu/time.Duration(len(k.walls))))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func childrenCPU() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
