package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox"
	"github.com/octaskly/octaskly/test/box/boxcase"
)

const (
	program = "/usr/libexec/octaskly/octaskly-init"
	uid     = 0x6F000000
	cgroups = "/sys/fs/cgroup/octaskly-test"
	work    = "/var/lib/octaskly-test"
)

// lab is where boxes are built one after the other.
type lab struct {
	host   sandbox.Host
	null   int
	number int
}

func openLab() (*lab, error) {
	l := &lab{}
	var err error
	if l.host, err = sandbox.Probe(); err != nil {
		return nil, err
	}
	if l.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cgroups, 0o755); err != nil {
		return nil, err
	}
	return l, os.MkdirAll(work, 0o711)
}

func (l *lab) close() {
	_ = os.Remove(cgroups)
	_ = os.RemoveAll(work)
}

// cage is a box with all that is around it.
type cage struct {
	*lab
	box    *sandbox.Box
	pid    int
	cgroup string
	dir    string
}

// make makes what is around a box.
func (l *lab) make() (*cage, error) {
	l.number++
	c := &cage{lab: l, cgroup: filepath.Join(cgroups, strconv.Itoa(l.number)), dir: filepath.Join(work, strconv.Itoa(l.number))}
	for _, dir := range []string{c.dir, c.dir + ".tmp"} {
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, uid, uid)); err != nil {
			return nil, err
		}
	}
	return c, os.Mkdir(c.cgroup, 0o755)
}

// start starts the box and furnishes it.
func (c *cage) start() error {
	fd, err := unix.Open(c.cgroup, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	path, argv, attr := c.box.Command(uintptr(c.null))
	attr.Sys.Setsid, attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, true, fd
	if c.pid, err = syscall.ForkExec(path, argv, attr); err != nil {
		return err
	}
	return c.box.Furnish()
}

// close removes what is around the box, and kills what is in it.
func (c *cage) close() {
	if c.box != nil {
		c.box.Close()
	}
	_ = os.Remove(c.cgroup)
	_ = os.RemoveAll(c.dir)
	_ = os.RemoveAll(c.dir + ".tmp")
}

func (c *cage) task(k *boxcase.Case) *sandbox.Task {
	return &sandbox.Task{
		Argv: k.Argv, Env: append(sandbox.Environ(k.Level, c.dir), k.Env...), Dir: k.Dir,
		Workspace: c.dir, Tmp: c.dir + ".tmp", UID: uid, GID: uid, Umask: k.Umask,
		HostNetwork: k.Network, Limits: sandbox.Limits(k.Limits), Show: []string{program},
	}
}

func (l *lab) run(k *boxcase.Case) (r boxcase.Result) {
	before := l.traces()
	try := l.try
	if k.Without == boxcase.NoBox {
		try = l.bare
	}
	if err := try(k, &r); err != nil {
		r.Err = err.Error()
		var failed *sandbox.Failure
		if errors.As(err, &failed) {
			r.Step, r.Errno = int(failed.Step), int(failed.Errno)
		}
	}
	for trace := range l.traces() {
		if !before[trace] {
			r.Left = append(r.Left, trace)
		}
	}
	return r
}

func (l *lab) try(k *boxcase.Case, r *boxcase.Result) error {
	c, err := l.make()
	if err != nil {
		return err
	}
	defer c.close()
	plan, err := l.plan(c.task(k), k)
	if err != nil {
		return err
	}
	if c.box, err = sandbox.Open(program, plan); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	defer func() { // whatever happened, it ends
		c.box.Close()
		_ = unix.Kill(c.pid, unix.SIGKILL)
		_, _ = unix.Wait4(c.pid, nil, 0, nil)
	}()
	out, err := newPipes(k.Await)
	if err != nil {
		return err
	}
	defer out.wait(r)
	err = c.box.Enact(plan, [3]int{l.null, out.write[0], out.write[1]})
	out.closeWrite()
	if err != nil {
		return err
	}
	return c.end(k, r, out)
}

// plan is what is enacted, without the protection that is not wanted.
func (l *lab) plan(t *sandbox.Task, k *boxcase.Case) (*sandbox.Plan, error) {
	spec, err := sandbox.Build(k.Level, t, &l.host)
	if err != nil {
		return nil, err
	}
	if err := weaken(spec, k.Without); err != nil {
		return nil, err
	}
	return sandbox.Compile(spec)
}

// end waits for the end, and brings it about if it should.
func (c *cage) end(k *boxcase.Case, r *boxcase.Result, out *pipes) error {
	if k.Await != "" {
		<-out.seen
	}
	send := c.box.Signal
	if k.Outside {
		send = func(sig syscall.Signal) error { return unix.Kill(-c.pid, sig) }
	}
	for _, sig := range k.Signals {
		if err := send(syscall.Signal(sig)); err != nil {
			return err
		}
	}
	if k.Kill {
		if err := unix.Kill(c.pid, unix.SIGKILL); err != nil {
			return err
		}
	}
	if k.Abandon {
		c.box.Close()
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(c.pid, &status, 0, nil); err != nil {
		return err
	}
	r.Exit = int(status)
	if k.Abandon {
		return nil
	}
	end, err := c.box.End()
	if err != nil {
		return err
	}
	r.Status, r.Leftover, r.CPU, r.MaxRSS = int(end.Status), end.Leftover, end.CPU, end.MaxRSS
	return nil
}

// traces are what a task must not leave behind.
func (l *lab) traces() map[string]bool {
	found := map[string]bool{}
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range statuses {
		text, _ := os.ReadFile(path)
		if bytes.Contains(text, []byte(fmt.Sprintf("Uid:\t%d", uid))) || bytes.HasPrefix(text, []byte("Name:\toctaskly-init")) {
			found["process "+string(text)] = true
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		found["mount "+line] = true
	}
	for _, pattern := range []string{cgroups + "/*/", work + "/*", "/dev/shm/*"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			found["file "+path] = true
		}
	}
	fds, _ := os.ReadDir("/proc/self/fd")
	found[fmt.Sprintf("%d descriptors", len(fds))] = true
	return found
}

// pipes carry a command's output.
type pipes struct {
	write [2]int
	read  [2]*os.File
	text  [2]bytes.Buffer
	done  sync.WaitGroup
	await string
	seen  chan struct{} // closed when await was printed
}

func newPipes(await string) (*pipes, error) {
	p := &pipes{await: await, seen: make(chan struct{})}
	for i := range p.write {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return nil, err
		}
		if err := unix.Fchown(fds[1], uid, uid); err != nil {
			return nil, err
		}
		p.write[i], p.read[i] = fds[1], os.NewFile(uintptr(fds[0]), "pipe")
		p.done.Go(func() { p.copy(i) })
	}
	return p, nil
}

// maxOutput bounds what is kept of each stream.
const maxOutput = 1 << 20

func (p *pipes) copy(i int) {
	defer p.read[i].Close()
	seen := i != 0
	buf := make([]byte, 4096)
	for {
		n, err := p.read[i].Read(buf)
		if p.text[i].Len() < maxOutput {
			p.text[i].Write(buf[:n])
		}
		if !seen && (err != nil || p.await != "" && strings.Contains(p.text[i].String(), p.await)) {
			close(p.seen)
			seen = true
		}
		if err != nil {
			return
		}
	}
}

func (p *pipes) closeWrite() {
	for i, fd := range p.write {
		if fd >= 0 {
			unix.Close(fd)
			p.write[i] = -1
		}
	}
}

func (p *pipes) wait(r *boxcase.Result) {
	p.closeWrite()
	p.done.Wait()
	r.Stdout, r.Stderr = p.text[0].String(), p.text[1].String()
}
