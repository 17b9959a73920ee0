// Package guest is the end of a virtual machine's control channel that lives
// in the guest: it runs what the host asks for. The protocol is package
// frame's.
package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/octaskly/octaskly/test/vm/frame"
)

// agent serves one host.
type agent struct {
	out  *frame.Writer
	wake func(frame.Greeting) error

	mu       sync.Mutex
	commands map[uint32]*command // those that run
	group    sync.WaitGroup      // of the goroutines of commands
}

// Serve runs commands for a host until port ends, and then kills those that
// still run. wake does as a greeting says.
func Serve(port io.ReadWriter, wake func(frame.Greeting) error) error {
	a := &agent{out: frame.NewWriter(port), wake: wake, commands: map[uint32]*command{}}
	defer a.end()
	r := bufio.NewReader(port)
	for {
		f, err := frame.Read(r)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := a.obey(f); err != nil {
			return fmt.Errorf("cannot obey frame of kind %d: %w", f.Kind, err)
		}
	}
}

func (a *agent) obey(f frame.Frame) error {
	switch f.Kind {
	case frame.Greet:
		return a.greeted(f.Body)
	case frame.Start:
		return a.start(f)
	case frame.Stdin:
		if c := a.find(f.Command); c != nil {
			return c.feed(f.Body)
		}
	case frame.Signal:
		if len(f.Body) != 1 {
			return errors.New("it takes one byte")
		}
		if c := a.find(f.Command); c != nil {
			c.signal(syscall.Signal(f.Body[0]))
		}
	default:
		return errors.New("it is not for agents")
	}
	return nil
}

func (a *agent) greeted(body []byte) error {
	var g frame.Greeting
	if err := json.Unmarshal(body, &g); err != nil {
		return err
	}
	if err := a.wake(g); err != nil {
		return err
	}
	return a.out.Send(frame.Hello, 0, nil)
}

// start runs a command, which is known before the next frame is read.
func (a *agent) start(f frame.Frame) error {
	var spec frame.Spec
	if err := json.Unmarshal(f.Body, &spec); err != nil {
		return err
	}
	c, err := a.run(f.Command, spec)
	if err != nil {
		return a.out.SendJSON(frame.Exit, f.Command, frame.Status{Code: -1, Error: err.Error()})
	}
	a.mu.Lock()
	a.commands[f.Command] = c
	a.mu.Unlock()
	a.group.Go(func() { a.finish(c) })
	return nil
}

// finish waits for a command and tells the host, unless the host is gone.
func (a *agent) finish(c *command) {
	status := c.wait()
	a.mu.Lock()
	delete(a.commands, c.id)
	a.mu.Unlock()
	_ = a.out.SendJSON(frame.Exit, c.id, status)
}

func (a *agent) find(id uint32) *command {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.commands[id]
}

func (a *agent) end() {
	a.mu.Lock()
	for _, c := range a.commands {
		c.signal(syscall.SIGKILL)
	}
	a.mu.Unlock()
	a.group.Wait()
}
