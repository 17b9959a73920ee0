package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/octaskly/octaskly/test/vm/frame"
)

// errGone is why commands end early with their machine.
var errGone = errors.New("the machine is off")

// session is the host's end of the channel to an agent; see package frame.
type session struct {
	conn  io.ReadWriteCloser
	out   *frame.Writer
	hello chan struct{} // holds one when the agent has answered
	ended chan struct{} // closed when nothing more is read

	mu       sync.Mutex
	last     uint32
	commands map[uint32]*Command // that run; nil once nothing more is read
}

// openSession reads from conn until it ends or the session is closed.
func openSession(conn io.ReadWriteCloser) *session {
	s := &session{
		conn: conn, out: frame.NewWriter(conn),
		hello: make(chan struct{}, 1), ended: make(chan struct{}),
		commands: map[uint32]*Command{},
	}
	go s.read()
	return s
}

// Close waits for the reader, which ends all commands.
func (s *session) Close() error {
	err := s.conn.Close()
	<-s.ended
	if errors.Is(err, net.ErrClosed) {
		return nil // the reader has, at the end
	}
	return err
}

// greet waits for the agent to answer, from whenever it starts to listen.
func (s *session) greet(ctx context.Context, g frame.Greeting) error {
	if err := s.out.SendJSON(frame.Greet, 0, g); err != nil {
		return err
	}
	select {
	case <-s.hello:
		return nil
	case <-s.ended:
		return errGone
	case <-ctx.Done():
		return fmt.Errorf("the agent does not answer: %w", context.Cause(ctx))
	}
}

// add gives a command its number.
func (s *session) add(c *Command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commands == nil {
		return errGone
	}
	s.last++
	c.session, c.id = s, s.last
	s.commands[c.id] = c
	return nil
}

func (s *session) read() {
	defer close(s.ended)
	r := bufio.NewReader(s.conn)
	var err error
	for err == nil {
		var f frame.Frame
		if f, err = frame.Read(r); err == nil {
			err = s.take(f)
		}
	}
	_ = s.conn.Close() // nobody would read the answers

	s.mu.Lock()
	left := s.commands
	s.commands = nil
	s.mu.Unlock()
	for _, c := range left {
		c.end(frame.Status{Code: -1, Error: errGone.Error()})
	}
}

func (s *session) take(f frame.Frame) error {
	if f.Kind == frame.Hello {
		select {
		case s.hello <- struct{}{}:
			return nil
		default:
			return errors.New("the agent says hello twice")
		}
	}
	s.mu.Lock()
	c := s.commands[f.Command]
	if f.Kind == frame.Exit {
		delete(s.commands, f.Command)
	}
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("the agent speaks of command %d, which does not run", f.Command)
	}
	return c.take(f)
}

// take handles a frame from the agent.
func (c *Command) take(f frame.Frame) error {
	switch f.Kind {
	case frame.Stdout:
		c.keep(c.Stdout, f.Body)
	case frame.Stderr:
		c.keep(c.Stderr, f.Body)
	case frame.Taken:
		select {
		case c.taken <- struct{}{}:
		default:
			return errors.New("the agent takes what was not sent")
		}
	case frame.Exit:
		var status frame.Status
		if err := json.Unmarshal(f.Body, &status); err != nil {
			status = frame.Status{Code: -1, Error: err.Error()}
		}
		c.end(status)
	default:
		return fmt.Errorf("the agent sends a frame of kind %d", f.Kind)
	}
	return nil
}
