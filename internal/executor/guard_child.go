package executor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// guardChild is a guard process as its executor sees it.
type guardChild struct {
	process  *os.Process
	conn     *net.UnixConn
	ended    chan struct{}     // closed when it has ended and was waited for
	answered bool              // to something
	until    Moment            // that it was told; -1: none
	told     map[uint64]charge // by the serial of their attempts
	unfit    map[uint64]error  // why it cannot guard some of them
	buf      [maxGuardFrame]byte
}

const (
	guardBirth    = 30 * time.Second           // until it has answered for the first time: the machine may be booting
	guardPatience = 5 * time.Second            // from then on
	guardFarewell = lastEffort + guardPatience // until one has ended that nobody needs any more
)

// startGuard executes this very program anew, by a name that stays right when the
// file is replaced.
func startGuard(argv []string, containment string) (*guardChild, error) {
	if len(argv) == 0 {
		return nil, errors.New("this program has no guard")
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket for a guard: %w", err)
	}
	own, its := os.NewFile(uintptr(pair[0]), "guard"), os.NewFile(uintptr(pair[1]), "executor")
	defer its.Close()
	child := &exec.Cmd{Path: "/proc/self/exe", Args: argv, Dir: "/", Env: []string{}, Stdin: its, SysProcAttr: apart(containment)}
	if err := child.Start(); err != nil {
		own.Close()
		return nil, fmt.Errorf("cannot start a guard: %w", err)
	}
	return newGuardChild(child.Process, own)
}

// apart keeps a guard from what is meant for others: what a terminal sends, and
// where there are no cgroups the search for strays, who show by a session that is
// not ours.
func apart(containment string) *syscall.SysProcAttr {
	if containment == octaskly.KillCgroup {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}

// inheritGuard goes on with the guard of the program before, if it had one.
func inheritGuard(h *handedGuard) (*guardChild, error) {
	if h == nil {
		return nil, nil
	}
	process, err := os.FindProcess(h.PID)
	if err != nil {
		return nil, fmt.Errorf("cannot take the guard over: %w", err)
	}
	return newGuardChild(process, os.NewFile(uintptr(h.FD), "guard"))
}

// newGuardChild owns both the process and the socket.
func newGuardChild(process *os.Process, socket *os.File) (*guardChild, error) {
	c := &guardChild{process: process, ended: make(chan struct{}), until: -1, told: map[uint64]charge{}, unfit: map[uint64]error{}}
	go func() {
		defer close(c.ended)
		_, _ = process.Wait() // however it ends, and whoever buries it
	}()
	conn, err := net.FileConn(socket)
	socket.Close()
	var ok bool
	if c.conn, ok = conn.(*net.UnixConn); err == nil && !ok {
		err = errors.New("it is no Unix socket")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot talk to a guard: %w", err), c.end())
	}
	return c, nil
}

// end has the guard end, and waits for it.
func (c *guardChild) end() error {
	if c.conn != nil {
		c.conn.Close()
	}
	select {
	case <-c.ended:
		return nil
	case <-time.After(guardFarewell):
	}
	return c.kill()
}

// kill ends a guard that does not do as it should.
func (c *guardChild) kill() error {
	if c.conn != nil {
		c.conn.Close()
	}
	_ = c.process.Kill() // it may have ended
	select {
	case <-c.ended:
		return nil
	case <-time.After(guardPatience):
		return fmt.Errorf("process %d lives after KILL", c.process.Pid)
	}
}

// gone is closed when the guard has ended; nil is no guard, and never ends.
func (c *guardChild) gone() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.ended
}

// say tells the guard something and waits for its answer. Dir is an open directory
// that goes with it, or -1.
func (c *guardChild) say(f guardFrame, dir int) error {
	if err := c.ask(&f, dir); err != nil {
		return fmt.Errorf("the guard (process %d) does not answer as it should: %w", c.process.Pid, err)
	}
	return nil
}

func (c *guardChild) ask(f *guardFrame, dir int) error {
	text, err := f.append(c.buf[:0])
	if err != nil {
		return err
	}
	var rights []byte
	if dir >= 0 {
		rights = unix.UnixRights(dir)
	}
	patience := guardPatience
	if !c.answered {
		patience = guardBirth
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, _, err := c.conn.WriteMsgUnix(text, rights, nil); err != nil {
		return err
	}
	n, err := c.conn.Read(c.buf[:])
	if err != nil {
		return err
	}
	c.answered = true
	answer, err := parseGuardFrame(c.buf[:n])
	switch {
	case err != nil:
		return err
	case answer.kind != guardDone || answer.id != f.id:
		return errUnfit
	}
	return nil
}

// descriptor is that of the socket.
func (c *guardChild) descriptor() (fd int, err error) {
	raw, err := c.conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd, err
}
