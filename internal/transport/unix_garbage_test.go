package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// stuff makes descriptors to be sent: "stream" and "packet" sockets, a "udp"
// socket and a "file".
func stuff(t *testing.T, names ...string) (fds []int) {
	t.Helper()
	for _, name := range names {
		var fd int
		var err error
		switch name {
		case "stream":
			fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		case "packet":
			fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		case "udp":
			fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		case "file":
			fd, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		fds = append(fds, fd)
	}
	return fds
}

func sendStuff(t *testing.T, conn *net.UnixConn, p string, fds ...int) {
	t.Helper()
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if _, _, err := conn.WriteMsgUnix([]byte(p), oob, nil); err != nil {
		t.Fatal(err)
	}
}

// TestUnixFalseExecutor dials sockets behind which there is no executor.
func TestUnixFalseExecutor(t *testing.T) {
	hello := string(welcome.greeting())
	for name, c := range map[string]struct {
		say  string
		with []string
		want error
	}{
		"hangs up":          {"", nil, io.EOF},
		"HTTP":              {"HTTP/1.1 400 Bad Request\r\n\r\n", nil, ErrNotExecutor},
		"half a greeting":   {hello[:5], nil, ErrNotExecutor},
		"old":               {magic + "\x00\x01", nil, ErrExecutorVersion},
		"new":               {magic + "\x02\x01", []string{"packet"}, ErrExecutorVersion},
		"unknown verdict":   {magic + "\x01\x09", nil, ErrNotExecutor},
		"no descriptor":     {hello, nil, ErrNotExecutor},
		"a file":            {hello, []string{"file"}, ErrNotExecutor},
		"a UDP socket":      {hello, []string{"udp"}, ErrNotExecutor},
		"a stream":          {hello, []string{"stream"}, ErrNotExecutor},
		"two":               {hello, []string{"packet", "packet"}, ErrNotExecutor},
		"many":              {hello, strings.Fields(strings.Repeat("packet ", 200)), ErrNotExecutor},
		"garbage and a fd":  {"garbage that is long", []string{"packet"}, ErrNotExecutor},
		"refusal with a fd": {string(busy.greeting()), []string{"packet"}, ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			ln, path := unixSocket(t)
			fds := stuff(t, c.with...)
			before := descriptors(t)
			said := make(chan struct{})
			go func() {
				defer close(said)
				conn, err := ln.AcceptUnix()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				if c.say != "" {
					sendStuff(t, conn, c.say, fds...)
				}
			}()
			if s, err := DialUnix(deadline(t), path); !errors.Is(err, c.want) {
				t.Errorf("DialUnix: %v, %v", s, err)
			}
			wait(t, said)
			if after := descriptors(t); after > before {
				t.Errorf("%d descriptors became %d", before, after)
			}
		})
	}
}

// TestUnixMalformedPacket ends the session with an executor that is broken.
func TestUnixMalformedPacket(t *testing.T) {
	kind := string([]byte{byte(kindBulk)})
	for name, c := range map[string]struct {
		packet string
		with   []string
	}{
		"no descriptor":   {kind + "header", nil},
		"a file":          {kind, []string{"file"}},
		"a UDP socket":    {kind, []string{"udp"}},
		"a packet socket": {kind, []string{"packet"}},
		"two":             {kind, []string{"stream", "stream"}},
		"many":            {kind, strings.Fields(strings.Repeat("stream ", 200))},
		"unknown kind":    {"\x09header", []string{"stream"}},
		"too long":        {kind + strings.Repeat("h", MaxHeader+1), []string{"stream"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, executor, relay := pairUnix(t, UnixConfig{})
			fds := stuff(t, c.with...)
			before := descriptors(t)
			sendStuff(t, executor.carrier, c.packet, fds...)
			if _, b, err := relay.AcceptBulk(deadline(t)); err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("AcceptBulk: %v, %v", b, err)
			}
			wait(t, relay.Done())
			if _, _, err := relay.AcceptBulk(deadline(t)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the next AcceptBulk: %v", err)
			}
			if len(relay.room) > 0 {
				t.Error("what was not opened counts")
			}
			if after := descriptors(t); after != before-2 { // control and carrier of the relay
				t.Errorf("%d descriptors became %d", before, after)
			}
		})
	}
}

// TestUnixFalseRelay holds the executor's side to take nothing from a relay but
// bytes.
func TestUnixFalseRelay(t *testing.T) {
	p, executor, relay := pairUnix(t, UnixConfig{})
	if _, err := relay.carrier.Write([]byte("garbage")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("the relay can send packets: %v", err)
	}
	here, _, there := openBulk(t, p, nil)
	fds := stuff(t, strings.Fields(strings.Repeat("file ", 200))...)
	before := descriptors(t)
	sendStuff(t, there.(*unixBulk).conn, "end", fds...)
	sendStuff(t, there.(*unixBulk).conn, "more", fds...)
	if got, err := io.ReadAll(here); string(got) != "en" || err != nil {
		t.Errorf("bulk: %q, %v", got, err)
	}
	sendStuff(t, relay.control.conn, "end", fds...)
	if got, err := io.ReadAll(executor.Control()); string(got) != "en" || err != nil {
		t.Errorf("control: %q, %v", got, err)
	}
	wait(t, executor.Done())
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}

func FuzzUnixGreeting(f *testing.F) {
	for _, v := range []verdict{0, welcome, notAllowed, busy} {
		f.Add(v.greeting())
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := parseGreeting(b)
		if good := len(b) >= greetingSize && string(b[:greetingSize]) == string(welcome.greeting()); good != (err == nil) {
			t.Errorf("%q: %v", b, err)
		}
	})
}
