package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// told collects what a listener refuses.
func told() (chan string, UnixConfig) {
	c := make(chan string, 100)
	return c, UnixConfig{Refused: func(who string, why error) { c <- who + ": " + why.Error() }}
}

func TestUnixNotAllowed(t *testing.T) {
	refused, cfg := told()
	var asked atomic.Uint32
	cfg.Allowed = func(uid uint32) bool {
		asked.Store(uid + 1)
		return false
	}
	_, path := listenUnix(t, cfg)
	for range 3 {
		_, err := DialUnix(deadline(t), path)
		if !errors.Is(err, ErrNotAllowed) || !strings.Contains(err.Error(), fmt.Sprintf("as user %d:", os.Geteuid())) {
			t.Fatalf("DialUnix: %v", err)
		}
	}
	if uid := asked.Load() - 1; uid != uint32(os.Geteuid()) {
		t.Errorf("asked about user %d", uid)
	}
	want := fmt.Sprintf("pid %d of user %d: %v", os.Getpid(), os.Geteuid(), errDisobeyed)
	if got := wait(t, refused); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if len(refused) > 0 {
		t.Error("told of the same user more than once")
	}
}

func TestUnixAllowsNobodyByDefault(t *testing.T) {
	ln, path := unixSocket(t)
	l := ListenUnix(ln, UnixConfig{})
	defer l.Close()
	if _, err := DialUnix(deadline(t), path); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("DialUnix: %v", err)
	}
}

func TestUnixBusy(t *testing.T) {
	refused, cfg := told()
	l, path := listenUnix(t, cfg)
	for range 3 {
		executor, relay := connectUnix(t, l, path)
		if got := executor.Peer(); got != fmt.Sprintf("pid %d", os.Getpid()) {
			t.Errorf("the executor's peer is %q", got)
		}
		if got := relay.Peer(); got != "unix:"+path {
			t.Errorf("the relay's peer is %q", got)
		}
		if _, err := DialUnix(deadline(t), path); !errors.Is(err, ErrBusy) {
			t.Errorf("a second DialUnix: %v", err)
		}
		transfer(t, relay.Control(), executor.Control(), []byte("the first goes on"))
		bye := readError(executor.Control())
		relay.Close() // and at once there is room
		defer wait(t, bye)
	}
	if got := wait(t, refused); !strings.HasSuffix(got, errOccupied.Error()) {
		t.Errorf("told %q", got)
	}
}

// TestUnixLastWords wants what a relay said before its end to be read, although
// the next one is there already.
func TestUnixLastWords(t *testing.T) {
	for name, end := range map[string]func(*relaySession){
		"goodbye": func(s *relaySession) { s.Close() },
		"death":   func(s *relaySession) { s.abort() },
	} {
		t.Run(name, func(t *testing.T) {
			dialed := make(chan struct{}, 2)
			l, path := listenUnix(t, UnixConfig{moment: patience, Allowed: func(uint32) bool {
				dialed <- struct{}{}
				return true
			}})
			executor, relay := connectUnix(t, l, path)
			<-dialed
			if _, err := relay.Control().Write([]byte("acknowledged")); err != nil {
				t.Fatal(err)
			}
			end(relay)
			next := make(chan error, 1)
			go func() {
				s, err := DialUnix(t.Context(), path)
				if err == nil {
					defer s.Close()
				}
				next <- err
			}()
			wait(t, dialed)
			select {
			case <-executor.Done():
				t.Error("the next one ended the session")
			case <-time.After(20 * time.Millisecond):
			}
			if got, _ := io.ReadAll(executor.Control()); string(got) != "acknowledged" {
				t.Errorf("read %q", got)
			}
			wait(t, executor.Done())
			if err := wait(t, next); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestUnixUnheard wants a session that nobody reads not to outlive its relay by
// much.
func TestUnixUnheard(t *testing.T) {
	l, path := listenUnix(t, UnixConfig{})
	executor, relay := connectUnix(t, l, path)
	relay.Close()
	connectUnix(t, l, path)
	wait(t, executor.Done())
}

// TestUnixUnclaimed lets a relay go before anybody accepted it.
func TestUnixUnclaimed(t *testing.T) {
	l, path := listenUnix(t, UnixConfig{})
	for range 3 {
		s, err := DialUnix(deadline(t), path)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	executor, relay := connectUnix(t, l, path)
	transfer(t, relay.Control(), executor.Control(), []byte("this one"))
}

func TestUnixListenerClose(t *testing.T) {
	ln, path := unixSocket(t)
	cfg := UnixConfig{Allowed: anybody}
	l := ListenUnix(ln, cfg)
	executor, relay := connectUnix(t, l, path)
	bye := readError(relay.Control())
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if executor.life.Err() == nil {
		t.Error("Close did not wait for the session's end")
	}
	if err := wait(t, bye); err != io.EOF {
		t.Errorf("control: %v, want a goodbye", err)
	}
	if _, err := l.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}

	// The socket is still there.
	l = ListenUnix(ln, cfg)
	connectUnix(t, l, path)
	l.Close()

	// And who dials it meanwhile waits for the next listener.
	waiting := make(chan error, 1)
	go func() {
		s, err := DialUnix(t.Context(), path)
		if err == nil {
			defer s.Close()
		}
		waiting <- err
	}()
	file, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	inherited, err := net.FileListener(file) // as after a re-exec
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	again := ListenUnix(inherited.(*net.UnixListener), cfg)
	defer again.Close()
	if _, err := again.Accept(deadline(t)); err != nil {
		t.Error(err)
	}
	if err := wait(t, waiting); err != nil {
		t.Error(err)
	}
}

// TestUnixListenerCloseUnclaimed closes with a session that nobody accepted.
func TestUnixListenerCloseUnclaimed(t *testing.T) {
	l, path := listenUnix(t, UnixConfig{})
	s, err := DialUnix(deadline(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bye := readError(s.Control())
	l.Close()
	if err := wait(t, bye); err != io.EOF {
		t.Errorf("control: %v, want a goodbye", err)
	}
}

func TestUnixSocketClosed(t *testing.T) {
	ln, _ := unixSocket(t)
	l := ListenUnix(ln, UnixConfig{Allowed: anybody})
	defer l.Close()
	ln.Close()
	if _, err := l.Accept(deadline(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
}

func TestUnixAcceptContext(t *testing.T) {
	l, _ := listenUnix(t, UnixConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Accept: %v", err)
	}
}

// TestUnixInherits wants no descriptor of a session to outlive an exec.
func TestUnixInherits(t *testing.T) {
	p, executor, relay := pairUnix(t, UnixConfig{})
	here, _, there := openBulk(t, p, nil)
	check := func(name string, fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: flags %x, %v", name, flags, err)
		}
	}
	for name, conn := range map[string]*net.UnixConn{
		"executor's control": executor.control.conn, "relay's control": relay.control.conn,
		"executor's carrier": executor.carrier, "relay's carrier": relay.carrier,
		"executor's bulk": here.(*unixBulk).conn, "relay's bulk": there.(*unixBulk).conn,
	} {
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { check(name, fd) })
	}
	conn, fd, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer unix.Close(fd)
	check("what is sent away", uintptr(fd))
}

// TestUnixLeak counts the descriptors that sessions of all kinds leave behind.
func TestUnixLeak(t *testing.T) {
	ln, path := unixSocket(t)
	round := func() {
		l := ListenUnix(ln, UnixConfig{Allowed: anybody})
		defer l.Close()
		executor, relay := connectUnix(t, l, path)
		p := pair{worker: executor, dispatcher: relay}
		for range 10 {
			here, _, there := openBulk(t, p, []byte("header"))
			here.Close()
			there.Close()
		}
		openBulk(t, p, nil) // closed by nobody
		executor.OpenBulk(t.Context(), nil)
		if _, err := DialUnix(deadline(t), path); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		relay.Close()
	}
	round()
	before := descriptors(t)
	for range 20 {
		round()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}

// TestUnixSilent dials a socket that nobody serves.
func TestUnixSilent(t *testing.T) {
	_, path := unixSocket(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := DialUnix(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("DialUnix: %v", err)
	}
	if _, err := DialUnix(ctx, path+"-not"); err == nil {
		t.Error("DialUnix of nothing worked")
	}
	if _, err := DialUnix(t.Context(), path+"-not"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("DialUnix of nothing: %v", err)
	}
}
