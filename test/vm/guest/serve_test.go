package guest

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/octaskly/octaskly/test/vm/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve returns the host's end and how Serve ends.
func serve(t *testing.T, wake func(frame.Greeting) error) (net.Conn, <-chan error) {
	t.Helper()
	host, port := net.Pipe()
	served := make(chan error, 1)
	go func() {
		err := Serve(port, wake)
		served <- errors.Join(err, port.Close())
	}()
	t.Cleanup(func() { host.Close() })
	return host, served
}

// Most of what an agent does, package vm tests from the other end.
func TestCommandsEndWithTheirHost(t *testing.T) {
	host, served := serve(t, nil)
	out := frame.NewWriter(host)
	if err := out.SendJSON(frame.Start, 1, frame.Spec{Argv: []string{"sh", "-c", "echo begun; sleep 1000"}}); err != nil {
		t.Fatal(err)
	}
	if f, err := frame.Read(host); err != nil || f.Kind != frame.Stdout || string(f.Body) != "begun\n" {
		t.Fatalf("%+v, error %v", f, err)
	}
	host.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestGreeting(t *testing.T) {
	var got frame.Greeting
	host, _ := serve(t, func(g frame.Greeting) error { got = g; return nil })
	if err := frame.NewWriter(host).SendJSON(frame.Greet, 0, frame.Greeting{Time: 5, Name: "a"}); err != nil {
		t.Fatal(err)
	}
	if f, err := frame.Read(host); err != nil || f.Kind != frame.Hello || got.Time != 5 || got.Name != "a" {
		t.Errorf("answer %+v, error %v, greeted with %+v", f, err, got)
	}
}

func TestRudeHosts(t *testing.T) {
	asleep := errors.New("asleep")
	cat := frame.Frame{Kind: frame.Start, Command: 1, Body: []byte(`{"Argv":["sleep","1000"],"Stdin":true}`)}
	more := frame.Frame{Kind: frame.Stdin, Command: 1, Body: make([]byte, 128<<10)} // longer than a pipe
	tests := []struct {
		name   string
		frames []frame.Frame
		want   string
	}{
		{"a guest's frame", []frame.Frame{{Kind: frame.Hello}}, "not for agents"},
		{"no greeting", []frame.Frame{{Kind: frame.Greet, Body: []byte("hi")}}, "invalid character"},
		{"failed to wake", []frame.Frame{{Kind: frame.Greet, Body: []byte("{}")}}, "asleep"},
		{"no command", []frame.Frame{{Kind: frame.Start, Body: []byte("hi")}}, "invalid character"},
		{"no signal", []frame.Frame{{Kind: frame.Signal, Command: 1}}, "one byte"},
		{"more than it takes", []frame.Frame{cat, more, more, more}, "has not taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, served := serve(t, func(frame.Greeting) error { return asleep })
			go io.Copy(io.Discard, host)
			out := frame.NewWriter(host)
			for _, f := range tt.frames {
				if out.Send(f.Kind, f.Command, f.Body) != nil {
					break // it has given up before the last
				}
			}
			if err := <-served; err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzObey feeds an agent that starts nothing.
func FuzzObey(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02\x00\x00\x00\x00\x01{}"))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x07\x06\x09"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := &agent{out: frame.NewWriter(io.Discard), wake: func(frame.Greeting) error { return nil }, commands: map[uint32]*command{}}
		r := strings.NewReader(string(data))
		for {
			fr, err := frame.Read(r)
			if err != nil || fr.Kind == frame.Start {
				return
			}
			if a.obey(fr) != nil {
				return
			}
		}
	})
}
