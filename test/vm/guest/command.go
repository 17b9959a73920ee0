package guest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/test/vm/frame"
)

// lingering is how long output is awaited from what a command has left behind.
const lingering = 5 * time.Second

// path is what root finds at a login: ENV_SUPATH of login.defs(5).
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// command is one that runs, as the leader of its own process group.
type command struct {
	id    uint32
	cmd   *exec.Cmd
	out   *frame.Writer
	input chan []byte    // one piece that the host may send; an empty one is the end
	stdin io.WriteCloser // nil if /dev/null is read
	over  chan struct{}  // closed when it has ended
	fed   chan struct{}  // closed when nobody writes to stdin any more
}

func (a *agent) run(id uint32, spec frame.Spec) (*command, error) {
	if len(spec.Argv) == 0 {
		return nil, errors.New("there is no command")
	}
	c := &command{id: id, out: a.out, input: make(chan []byte, 1), over: make(chan struct{}), fed: make(chan struct{})}
	c.cmd = exec.Command(spec.Argv[0], spec.Argv[1:]...)
	c.cmd.WaitDelay = lingering
	c.cmd.Stdout = stream{a.out, frame.Stdout, id}
	c.cmd.Stderr = stream{a.out, frame.Stderr, id}
	if err := c.become(spec); err != nil {
		return nil, err
	}
	if err := c.open(spec.Stdin); err != nil {
		return nil, err
	}
	go c.pump()
	return c, nil
}

// become makes the command its user's.
func (c *command) become(spec frame.Spec) error {
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	u, err := account(spec.User)
	if err != nil {
		return err
	}
	if spec.User != "" {
		if c.cmd.SysProcAttr.Credential, err = credential(u); err != nil {
			return err
		}
	}
	c.cmd.Dir = spec.Dir
	if spec.Dir == "" {
		c.cmd.Dir = u.HomeDir
	}
	c.cmd.Env = append([]string{
		"PATH=" + path, "HOME=" + u.HomeDir, "USER=" + u.Username, "LOGNAME=" + u.Username, "LANG=C.UTF-8",
	}, spec.Env...)
	return nil
}

func account(name string) (*user.User, error) {
	if name == "" {
		return user.LookupId(strconv.Itoa(os.Getuid()))
	}
	return user.Lookup(name)
}

func credential(u *user.User) (*syscall.Credential, error) {
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(ids)+2)
	for _, id := range append([]string{u.Uid, u.Gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, uint32(n))
	}
	return &syscall.Credential{Uid: numbers[0], Gid: numbers[1], Groups: numbers[2:]}, nil
}

func (c *command) open(stdin bool) (err error) {
	if stdin {
		if c.stdin, err = c.cmd.StdinPipe(); err != nil {
			return err
		}
	}
	return c.cmd.Start()
}

// pump writes what the host sends to the command's standard input, or throws
// it away once the command has closed that.
func (c *command) pump() {
	defer close(c.fed)
	for c.stdin != nil {
		select {
		case <-c.over:
			return
		case piece := <-c.input:
			if len(piece) == 0 {
				_ = c.stdin.Close()
				return
			}
			_, _ = c.stdin.Write(piece)
			if c.out.Send(frame.Taken, c.id, nil) != nil {
				return
			}
		}
	}
}

func (c *command) feed(piece []byte) error {
	select {
	case c.input <- piece:
		return nil
	default:
		return errors.New("the command has not taken the one before")
	}
}

// signal goes to the command and what it has started.
func (c *command) signal(sig syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, sig) }

func (c *command) wait() frame.Status {
	err := c.cmd.Wait()
	close(c.over)
	<-c.fed
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // its children still hold the pipe, which is theirs to do
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return frame.Status{Code: -1, Error: err.Error()}
	}
	if ws := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return frame.Status{Code: 128 + int(ws.Signal())}
	}
	return frame.Status{Code: c.cmd.ProcessState.ExitCode()}
}

// stream sends what is written to it.
type stream struct {
	out  *frame.Writer
	kind frame.Kind
	id   uint32
}

func (s stream) Write(b []byte) (int, error) { return len(b), s.out.Send(s.kind, s.id, b) }
