package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// way is one way to run a command.
type way struct {
	name, about string
	run         func() error // once; for several goroutines at a time
	stages      *stages      // that its time goes into; or nil
	missing     error        // why it cannot be measured
}

// The ways that others are compared with.
const (
	plainWay  = "plain"
	bwrapWay  = "bwrap"
	strictWay = "strict"
)

// ways are all that are wanted, in the order of the tables.
func (l *lab) ways(wanted *regexp.Regexp) (list []*way) {
	all := []*way{{name: plainWay, about: "Go ForkExec, both outputs piped", run: func() error { return l.spawn([]string{l.program}, nil, 0) }}}
	for _, w := range append(append(append(all, l.levels()...), l.others()...), l.parts()...) {
		if wanted.MatchString(w.name) {
			list = append(list, w)
		}
	}
	return list
}

// levels are the executor's.
func (l *lab) levels() (list []*way) {
	for _, level := range octaskly.Levels {
		limits := l.engine.limits(level)
		s := &stages{names: []string{"until it is started", "until it has ended", "until we are told"}}
		list = append(list, &way{
			name: level.String(), about: fmt.Sprintf("by the executor, preset default: %v", limits.Needs()),
			run: l.engine.way(level, limits, s), stages: s,
		})
	}
	for _, level := range octaskly.Levels {
		var limits octaskly.Limits
		if level != octaskly.LevelNone { // it takes rights to have no such limit, and no time to have one
			limits.OpenFiles = openFiles
		}
		list = append(list, &way{name: level.String() + ", no limits", about: "by the executor", run: l.engine.way(level, limits, &stages{})})
	}
	return list
}

// others are programs that make boxes, and one of ours made then and there.
func (l *lab) others() []*way {
	s := &stages{names: []string{"fork and exec of octaskly-init", "until it is furnished", "until true is started", "until true has ended", "until all of it is gone"}}
	raw := &way{name: "strict, raw", about: "a box made then and there, without cgroup or workspace", stages: s}
	raw.run, raw.missing = l.rawWay(s)
	bwrap := &way{name: bwrapWay, about: "no seccomp, no cgroup, no /etc"}
	if path := look(bwrap, "bubblewrap"); path != "" {
		argv := append([]string{path}, bwrapArguments...)
		bwrap.run = func() error { return l.spawn(argv, nil, 0) }
	}
	return []*way{raw, bwrap, l.runtime("crun"), l.runtime("runc")}
}

var bwrapArguments = []string{
	"--unshare-all", "--new-session", "--die-with-parent", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL",
	"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
	"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/work", "--chdir", "/work", "true",
}

func look(w *way, pkg string) string {
	path, err := exec.LookPath(w.name)
	if err != nil {
		w.missing = fmt.Errorf("not installed: apt-get install --no-install-recommends %s", pkg)
	}
	return path
}

// runtime is an OCI runtime. Each of its containers at a time has a bundle, and a
// cgroup where the executor's have controllers.
func (l *lab) runtime(name string) *way {
	w := &way{name: name, about: "its bundles are made of level strict's spec"}
	path := look(w, name)
	if name == "crun" && l.meter.hybrid() {
		w.missing = errors.New("it refuses machines that have both versions of cgroups")
	}
	if w.missing != nil {
		return w
	}
	limits := l.engine.limits(octaskly.LevelStrict)
	bundles := make(chan string, slots)
	for i := range slots {
		at := fmt.Sprintf("%s-%d", name, i)
		if w.missing = l.makeBundle(l.path(at), l.meter.below(at), limits); w.missing != nil {
			return w
		}
		bundles <- l.path(at)
	}
	argv := []string{path, "--root", l.path(name), "run", "--bundle"}
	w.run = func() error {
		bundle := <-bundles
		defer func() { bundles <- bundle }()
		return l.spawn(append(argv[:len(argv):len(argv)], bundle, filepath.Base(l.dir)+filepath.Base(bundle)), nil, 0)
	}
	return w
}

// parts are what every box begins with, by themselves.
func (l *lab) parts() []*way {
	const spaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	in := func(flags uintptr) func() error {
		return func() error { return l.spawn([]string{l.program}, &syscall.SysProcAttr{Cloneflags: flags}, 0) }
	}
	return []*way{
		{name: "part: 5 namespaces", about: "and true", run: in(spaces)},
		{name: "part: 6 namespaces", about: "with one of network, and true", run: in(spaces | unix.CLONE_NEWNET)},
		{name: "part: octaskly-init", about: "which ends at once", run: func() error { return l.spawn([]string{l.init}, nil, initRefuses) }},
	}
}

// initRefuses is the exit code of an octaskly-init that is not process 1.
const initRefuses = 125
