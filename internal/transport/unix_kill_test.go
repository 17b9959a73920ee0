package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// childVariable tells a re-executed test binary to be an "executor", on the
// listening descriptor 3, or a relay that dials this path.
const childVariable = "OCTASKLY_TEST_UNIX_CHILD"

// TestUnixChild is no test: it is the process that the others kill.
func TestUnixChild(t *testing.T) {
	role, ok := os.LookupEnv(childVariable)
	if !ok {
		t.Skip("only for a process of its own")
	}
	var s Session
	var bulk Channel
	var err error
	if role == "executor" {
		s = childExecutor(t)
		bulk, err = s.OpenBulk(t.Context(), nil)
	} else {
		s = childRelay(t, role)
		_, bulk, err = s.AcceptBulk(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Channel{bulk, s.Control()} {
		if _, err := c.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
	}
	io.Copy(io.Discard, os.Stdin) // until it is killed
}

func childExecutor(t *testing.T) Session {
	ln, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ListenUnix(ln.(*net.UnixListener), UnixConfig{Allowed: anybody}).Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func childRelay(t *testing.T, path string) Session {
	s, err := DialUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startChild returns how to kill and wait for the process it starts.
func startChild(t *testing.T, role string, files ...*os.File) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestUnixChild$")
	cmd.Env = append(os.Environ(), childVariable+"="+role)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = files
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return kill
}

func TestUnixExecutorKilled(t *testing.T) {
	ln, path := unixSocket(t)
	file, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kill := startChild(t, "executor", file)
	relay, err := DialUnix(deadline(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	_, bulk, err := relay.AcceptBulk(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	wantKilled(t, relay, bulk, kill)
}

func TestUnixRelayKilled(t *testing.T) {
	l, path := listenUnix(t, UnixConfig{})
	kill := startChild(t, path)
	executor, err := l.Accept(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	bulk, err := executor.OpenBulk(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantKilled(t, executor, bulk, kill)
	connectUnix(t, l, path) // at once, with nobody in the way
}

// wantKilled wants errors, and no end of data, from the channels of a process
// that is killed in the middle.
func wantKilled(t *testing.T, s Session, bulk Channel, kill func()) {
	t.Helper()
	half := make([]byte, len("half"))
	channels := []Channel{bulk, s.Control()} // the control last: its failure ends the session
	for _, c := range channels {
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, half); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	for _, c := range channels {
		if n, err := c.Read(half); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes, %v; want an error", n, err)
		}
	}
	wait(t, s.Done())
}
