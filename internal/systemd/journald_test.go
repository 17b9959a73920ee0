package systemd

import (
	"bytes"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeJournal is a socket as journald's, and the way to it.
func fakeJournal(t testing.TB, timeout time.Duration) (*net.UnixConn, *journald) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	j, err := openJournald(path, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(j.fd) })
	return conn, j
}

// fill sends until nothing more goes into the journal's queue.
func fill(t *testing.T, j *journald) (sent int) {
	for {
		switch err := j.send([]byte("MESSAGE=x\n")); {
		case errors.Is(err, errBusy):
			return sent
		case err != nil:
			t.Fatal(err)
		}
		sent++
	}
}

func TestJournaldTakesTheLargest(t *testing.T) {
	conn, j := fakeJournal(t, time.Minute)
	largest := bytes.Repeat([]byte("x"), maxEntry+2*maxValue)
	if err := j.send(largest); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	if n, err := conn.Read(buf); err != nil || !bytes.Equal(buf[:n], largest) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestBusyJournal(t *testing.T) {
	conn, j := fakeJournal(t, 10*time.Millisecond)
	sent := fill(t, j)

	// Nobody waits for it again: with this timeout, the test would hang.
	if err := unix.SetsockoptTimeval(j.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 3600}); err != nil {
		t.Fatal(err)
	}
	if err := j.send([]byte("MESSAGE=y\n")); !errors.Is(err, errBusy) {
		t.Errorf("error %v, want that it is busy", err)
	}

	buf := make([]byte, 100)
	for range sent {
		if _, err := conn.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.send([]byte("MESSAGE=z\n")); err != nil || j.busy {
		t.Errorf("error %v, busy %v, though there is room again", err, j.busy)
	}
}

// A burst waits for the journal instead of being lost.
func TestSlowJournal(t *testing.T) {
	conn, j := fakeJournal(t, time.Minute)
	const n = 200 // the queue holds net.unix.max_dgram_qlen of them, 10 at first
	sent := make(chan error)
	go func() {
		var failed error
		for range n {
			failed = errors.Join(failed, j.send([]byte("MESSAGE=x\n")))
		}
		sent <- failed
	}()
	buf := make([]byte, 100)
	for range n {
		if _, err := conn.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestNoJournal(t *testing.T) {
	j, err := openJournald(filepath.Join(t.TempDir(), "none"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(j.fd)
	if err := j.send([]byte("MESSAGE=x\n")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("error %v, want %v", err, unix.ENOENT)
	}
}
