package sandbox

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/sandbox/plan"
)

// Box is the place of one task, with octaskly-init in it:
//
//	Open ──▶ (start Command) ──▶ Furnish ──▶ Enact ──▶ (it exits) ──▶ End ──▶ Close
//	                                                │ any time later
//
// It is for one goroutine, but that another one may call Signal from the end of
// Enact to the beginning of Close. A box whose octaskly-init is killed, or that is
// closed, takes all its processes with it.
type Box struct {
	program string
	flags   syscall.SysProcAttr // what its namespaces take
	room    []byte
	fd      int
	theirs  int // the end that is octaskly-init's, until it has it; or -1
}

// patience is how long octaskly-init may take for any step.
var patience = unix.Timeval{Sec: 30}

// Open makes a box with the room of a plan. It has no process yet.
func Open(program string, p *Plan) (*Box, error) { return open(program, p, p.Room.Encode()) }

func open(program string, p *Plan, room []byte) (*Box, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open a box: %w", err)
	}
	b := &Box{program: program, room: room, fd: ends[0], theirs: ends[1]}
	b.flags.Cloneflags, b.flags.Unshareflags = p.Cloneflags, p.Unshareflags
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(b.fd, unix.SOL_SOCKET, option, &patience); err != nil {
			b.Close()
			return nil, fmt.Errorf("cannot open a box: %w", err)
		}
	}
	return b, nil
}

// Adopt takes over a box that an earlier program of this process has launched;
// see Descriptor.
func Adopt(fd int) *Box { return &Box{fd: fd, theirs: -1} }

// Descriptor is what Adopt needs in the next program of this process.
func (b *Box) Descriptor() int { return b.fd }

// Command is how to start b's octaskly-init: by syscall.ForkExec(path, argv,
// attr), to which the caller may add a cgroup, a pidfd and Setsid. null is an open
// /dev/null. Furnish follows.
func (b *Box) Command(null uintptr) (path string, argv []string, attr *syscall.ProcAttr) {
	return b.program, []string{"octaskly-init"}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{"GOGC=off", "GOMAXPROCS=1"}, // it lives briefly and has little to do
		Files: []uintptr{null, null, null, uintptr(b.theirs)},
		Sys:   &b.flags,
	}
}

// Furnish tells octaskly-init, which has been started, what room to make. It does
// not wait.
func (b *Box) Furnish() error {
	unix.Close(b.theirs)
	b.theirs = -1
	if err := b.send(b.room, nil); err != nil {
		return fmt.Errorf("cannot furnish a box: %w", err)
	}
	return nil
}

// Ready waits until the room stands. Enact does so, too.
func (b *Box) Ready() error {
	r, err := b.receive()
	if err != nil {
		return fmt.Errorf("cannot furnish a box: %w", err)
	}
	switch r := r.(type) {
	case plan.Ready:
		return nil
	case *plan.Failed:
		return r
	}
	return fmt.Errorf("cannot furnish a box: %w", plan.ErrMalformed)
}

// Failure is what octaskly-init could not do.
type Failure = plan.Failed

// Enact makes b the box of a plan's task and returns when the task's command
// executes. stdio are its standard input, output and error; they stay open here.
// What could not be done is a *Failure; nothing of the task has run then.
func (b *Box) Enact(p *Plan, stdio [3]int) error {
	mounts, err := openSources(p.Sources)
	defer closeAll(mounts)
	if err != nil {
		return fmt.Errorf("cannot launch a task: %w", err)
	}
	if err := b.send(p.Task.Encode(), unix.UnixRights(append(stdio[:], mounts...)...)); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("cannot launch a task: %w", err)
	}
	for { // of a box that broke, it is told why
		r, err := b.receive()
		if err != nil {
			return fmt.Errorf("cannot launch a task: %w", err)
		}
		switch r := r.(type) {
		case plan.Ready:
		case plan.Started:
			return nil
		case *plan.Failed:
			return r
		default:
			return fmt.Errorf("cannot launch a task: %w", plan.ErrMalformed)
		}
	}
}

// openSources makes detached mounts of directories of the machine, which is what
// can be put into another mount namespace.
func openSources(paths []string) (mounts []int, err error) {
	for _, path := range paths {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
		if err != nil {
			return mounts, fmt.Errorf("cannot open %q: %w", path, err)
		}
		mounts = append(mounts, fd)
	}
	return mounts, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// Signal sends a signal to the process group of the command that executes.
func (b *Box) Signal(sig syscall.Signal) error {
	if err := b.send(plan.Signal(sig).Encode(), nil); err != nil {
		return fmt.Errorf("cannot send signal %d to a box: %w", int(sig), err)
	}
	return nil
}

// End returns how the command has ended, after octaskly-init has. The error is
// io.EOF when it has not said so: it was killed.
func (b *Box) End() (*plan.Ended, error) {
	r, err := b.receive()
	if err != nil {
		return nil, err
	}
	if end, ok := r.(*plan.Ended); ok {
		return end, nil
	}
	return nil, plan.ErrMalformed
}

// Close lets go of the box, once; further calls do nothing.
func (b *Box) Close() {
	for _, fd := range []*int{&b.fd, &b.theirs} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// send writes a frame; descriptors go with its first byte.
func (b *Box) send(frame, rights []byte) error {
	for len(frame) > 0 {
		n, err := unix.SendmsgN(b.fd, frame, rights, nil, unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		frame, rights = frame[n:], nil
	}
	return nil
}

func (b *Box) receive() (plan.Record, error) {
	var buf [plan.MaxRecord]byte
	if err := b.read(buf[:plan.HeaderSize]); err != nil {
		return nil, err
	}
	size, err := plan.Size(buf[:], plan.MaxRecord)
	if err != nil {
		return nil, err
	}
	if err := b.read(buf[:size]); err != nil {
		return nil, err
	}
	return plan.DecodeRecord(buf[:size])
}

// read fills buf.
func (b *Box) read(buf []byte) error {
	for len(buf) > 0 {
		n, err := unix.Read(b.fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case n == 0 || errors.Is(err, unix.ECONNRESET): // with a signal that nobody has read
			return io.EOF
		case err != nil:
			return err
		}
		buf = buf[n:]
	}
	return nil
}
