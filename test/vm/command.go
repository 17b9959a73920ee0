package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/test/vm/frame"
)

const (
	// MaxOutput bounds what a Result keeps of each stream, in bytes.
	MaxOutput = 16 << 20
	// pieceSize is how much standard input the guest is sent at a time, at most.
	pieceSize = 256 << 10
	// killPatience is how long a command may take to die of KILL.
	killPatience = 15 * time.Second
)

// Command runs in a guest. Like exec.Cmd, it is set up, started and waited for,
// once.
type Command struct {
	Argv []string
	Env  []string // besides PATH, HOME, USER, LOGNAME and LANG
	Dir  string   // if empty, the user's home
	User string   // if empty, root
	// Stdin is what the command reads; if nil, /dev/null. Wait waits for its
	// reads to return.
	Stdin io.Reader
	// Stdout and Stderr get what the command writes. They must not block, or
	// all commands of the machine do. If nil, the Result has it.
	Stdout, Stderr io.Writer

	machine *Machine
	ctx     context.Context
	session *session
	id      uint32
	taken   chan struct{} // holds one when more of Stdin may be sent
	fed     chan struct{} // closed when no more of Stdin will be
	exited  chan struct{} // closed when status is there
	status  frame.Status

	mu   sync.Mutex
	lost error // the first failure to read Stdin or to keep output
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int   // exit code, 128 + N after signal N, -1 with Err
	Err            error // why it could not be run, or not to its end
}

// String is for messages of failed tests.
func (r Result) String() string {
	text := fmt.Sprintf("exit code %d", r.Code)
	if r.Err != nil {
		text = r.Err.Error()
	}
	return fmt.Sprintf("%s\nstdout: %s\nstderr: %s", text, r.Stdout, r.Stderr)
}

// Run starts the command and waits for it.
func (c *Command) Run() Result {
	if err := c.Start(); err != nil {
		return Result{Code: -1, Err: err}
	}
	return c.Wait()
}

// Start returns when the guest has been asked; whether the command could be
// started, Wait says.
func (c *Command) Start() error {
	if c.Stdout == nil {
		c.Stdout = &collector{}
	}
	if c.Stderr == nil {
		c.Stderr = &collector{}
	}
	c.taken, c.fed, c.exited = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	s, err := c.machine.talk()
	if err == nil {
		err = s.add(c)
	}
	if err == nil {
		spec := frame.Spec{Argv: c.Argv, Env: c.Env, Dir: c.Dir, User: c.User, Stdin: c.Stdin != nil}
		err = s.out.SendJSON(frame.Start, c.id, spec)
	}
	if err != nil {
		return fmt.Errorf("cannot start %.80q: %w", c.Argv, err)
	}
	go c.feed()
	return nil
}

// feed sends Stdin, a piece at a time, and its end.
func (c *Command) feed() {
	defer close(c.fed)
	if c.Stdin == nil {
		return
	}
	piece := make([]byte, pieceSize)
	for {
		n, err := c.Stdin.Read(piece) // whatever there is: it may be a conversation
		if n > 0 && !c.send(piece[:n]) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.lose(fmt.Errorf("cannot read standard input: %w", err))
			}
			_ = c.session.out.Send(frame.Stdin, c.id, nil)
			return
		}
	}
}

// send returns whether the guest wants more.
func (c *Command) send(piece []byte) bool {
	if c.session.out.Send(frame.Stdin, c.id, piece) != nil {
		return false
	}
	select {
	case <-c.taken:
		return true
	case <-c.exited:
		return false
	}
}

// Signal goes to the command and what it has started, if it still runs.
func (c *Command) Signal(sig syscall.Signal) error {
	return c.session.out.Send(frame.Signal, c.id, []byte{byte(sig)})
}

// Exited is closed when the command has ended.
func (c *Command) Exited() <-chan struct{} { return c.exited }

// Wait waits for the end, or kills the command when its context is done.
func (c *Command) Wait() Result {
	select {
	case <-c.exited:
	case <-c.ctx.Done():
		return c.cut()
	}
	<-c.fed
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result(c.lost)
}

// cut ends a command that takes too long.
func (c *Command) cut() Result {
	err := fmt.Errorf("cannot run %.80q to its end: %w", c.Argv, context.Cause(c.ctx))
	_ = c.Signal(syscall.SIGKILL) // fails only where the machine is off
	timer := time.NewTimer(killPatience)
	defer timer.Stop()
	select {
	case <-c.exited:
		<-c.fed
		return c.result(err)
	case <-timer.C:
		return Result{Code: -1, Err: fmt.Errorf("%w; the machine hangs: no answer to KILL for %v", err, killPatience)}
	}
}

// keep hands on output.
func (c *Command) keep(w io.Writer, piece []byte) {
	if _, err := w.Write(piece); err != nil {
		c.lose(fmt.Errorf("cannot keep output of %.80q: %w", c.Argv, err))
	}
}

func (c *Command) lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = err
	}
}

func (c *Command) end(status frame.Status) {
	c.status = status
	close(c.exited)
}

func (c *Command) result(err error) Result {
	if err == nil && c.status.Error != "" {
		err = fmt.Errorf("cannot run %.80q: %s", c.Argv, c.status.Error)
	}
	r := Result{Code: c.status.Code, Err: err}
	if err != nil {
		r.Code = -1
	}
	if out, ours := c.Stdout.(*collector); ours {
		r.Stdout = out.String()
	}
	if out, ours := c.Stderr.(*collector); ours {
		r.Stderr = out.String()
	}
	return r
}

// collector keeps the first MaxOutput bytes.
type collector struct{ bytes.Buffer }

func (b *collector) Write(p []byte) (int, error) {
	room := MaxOutput - b.Len()
	if len(p) > room {
		b.Buffer.Write(p[:room])
		return room, fmt.Errorf("its output is longer than %d bytes", MaxOutput)
	}
	return b.Buffer.Write(p)
}
