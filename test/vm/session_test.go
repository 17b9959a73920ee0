package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/vm/frame"
	"github.com/octaskly/octaskly/test/vm/guest"
)

// fake is a machine without a machine: its agent runs commands right here.
func fake(t *testing.T) *Machine {
	t.Helper()
	m, port := wired(t)
	served := make(chan error, 1)
	go func() { served <- guest.Serve(port, func(frame.Greeting) error { return nil }) }()
	t.Cleanup(func() {
		m.power().session.Close()
		port.Close()
		<-served
	})
	return m
}

// wired returns a machine and the guest's end of its channel.
func wired(t *testing.T) (*Machine, net.Conn) {
	t.Helper()
	host, port := net.Pipe()
	m := &Machine{on: &power{session: openSession(host)}}
	m.Account = Account{m, ""}
	return m, port
}

func TestCommands(t *testing.T) {
	m := fake(t)
	if err := m.power().session.greet(t.Context(), frame.Greeting{}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func(*testing.T, *Machine)
	}{
		{"concurrent commands", concurrently},
		{"signal", signal},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(t, m) })
	}
}

func TestResults(t *testing.T) {
	m := fake(t)
	for _, tt := range []struct {
		script string
		want   Result
	}{
		{"echo out; echo err >&2", Result{"out\n", "err\n", 0, nil}},
		{"exit 7", Result{Code: 7}},
		{"false; echo not reached", Result{Code: 1}},
		{"kill -TERM $$", Result{Code: 128 + 15}},
		{"cat", Result{}},
	} {
		if got := m.Shell(t.Context(), tt.script); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.script, got, tt.want)
		}
	}
	for _, argv := range [][]string{{"/no/such/command"}, nil} {
		if r := m.Run(t.Context(), argv...); r.Code != -1 || r.Err == nil {
			t.Errorf("%q: %v", argv, r)
		}
	}
	if r := m.As("nobody at all").Run(t.Context(), "true"); r.Code != -1 || r.Err == nil {
		t.Errorf("nobody at all: %v", r)
	}
}

func TestDirAndEnv(t *testing.T) {
	m := fake(t)
	c := m.Command(t.Context(), "sh", "-c", "pwd; echo $A")
	c.Dir, c.Env = "/usr", []string{"A=b"}
	if r := c.Run(); r.Stdout != "/usr\nb\n" {
		t.Errorf("got %v", r)
	}
}

func TestContextKills(t *testing.T) {
	m := fake(t)
	late := errors.New("it is late")
	ctx, cancel := context.WithCancelCause(t.Context())
	begun := &expecting{want: "begun\n", met: make(chan struct{})}
	c := m.Command(ctx, "sh", "-c", "echo begun; sleep 1000")
	c.Stdout = begun
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	<-begun.met
	cancel(late)
	if r := c.Wait(); r.Code != -1 || !errors.Is(r.Err, late) {
		t.Errorf("got %v", r)
	}
}

func TestOutputIsBounded(t *testing.T) {
	m := fake(t)
	r := m.Shell(t.Context(), "head -c 17M /dev/zero; echo done >&2")
	if r.Code != -1 || r.Err == nil || len(r.Stdout) != MaxOutput || r.Stderr != "done\n" {
		t.Errorf("code %d, error %v, %d bytes, stderr %q", r.Code, r.Err, len(r.Stdout), r.Stderr)
	}
}

// What a command leaves behind does not keep it from ending.
func TestLeftBehind(t *testing.T) {
	m := fake(t)
	r := m.Shell(t.Context(), "sleep 1000 & echo $!")
	if r.Code != 0 {
		t.Fatal(r)
	}
	Must(t, m.Run(t.Context(), "kill", strings.TrimSpace(r.Stdout)))
}

func TestLostMachine(t *testing.T) {
	m, port := wired(t)
	session := m.power().session
	c := m.Command(t.Context(), "sleep", "1000")
	c.Stdin = strings.NewReader("for nobody")
	started := make(chan error, 1)
	go func() { started <- c.Start() }()
	if f, err := frame.Read(port); err != nil || f.Kind != frame.Start {
		t.Fatalf("the guest is sent %+v, error %v", f, err)
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(port.Close(), session.Close()); err != nil {
		t.Fatal(err)
	}
	if r := c.Wait(); r.Code != -1 || r.Err == nil || !strings.Contains(r.Err.Error(), errGone.Error()) {
		t.Errorf("got %v", r)
	}
	if r := m.Run(t.Context(), "true"); !errors.Is(r.Err, errGone) {
		t.Errorf("afterwards: %v", r)
	}
	if err := session.greet(t.Context(), frame.Greeting{}); err == nil {
		t.Error("it can be greeted afterwards")
	}
}

// A guest that does not keep to the protocol is given up.
func TestRudeGuests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		frames []frame.Frame
	}{
		{"hello twice", []frame.Frame{{Kind: frame.Hello}, {Kind: frame.Hello}}},
		{"a command that does not run", []frame.Frame{{Kind: frame.Stdout, Command: 2}}},
		{"taken twice", []frame.Frame{{Kind: frame.Taken, Command: 1}, {Kind: frame.Taken, Command: 1}}},
		{"a host's frame", []frame.Frame{{Kind: frame.Start, Command: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, port := wired(t)
			defer port.Close()
			c := m.Command(t.Context(), "true")
			started := make(chan error, 1)
			go func() { started <- c.Start() }()
			if _, err := frame.Read(port); err != nil {
				t.Fatal(err)
			}
			if err := <-started; err != nil {
				t.Fatal(err)
			}
			out := frame.NewWriter(port)
			for _, f := range tt.frames {
				if err := out.Send(f.Kind, f.Command, f.Body); err != nil {
					t.Fatal(err)
				}
			}
			<-m.power().session.ended
			if r := c.Wait(); r.Code != -1 {
				t.Errorf("got %v", r)
			}
		})
	}
}

func TestGreetIsBounded(t *testing.T) {
	m, port := wired(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	greeted := make(chan error, 1)
	go func() { greeted <- m.power().session.greet(ctx, frame.Greeting{Name: "a"}) }()
	f, err := frame.Read(port)
	if want, _ := json.Marshal(frame.Greeting{Name: "a"}); err != nil || !bytes.Equal(f.Body, want) {
		t.Errorf("the guest is sent %q, error %v", f.Body, err)
	}
	if err := <-greeted; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := errors.Join(port.Close(), m.power().session.Close()); err != nil {
		t.Error(err)
	}
}
