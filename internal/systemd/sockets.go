package systemd

import (
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// Sockets are those that the service manager opened for this process, known by
// the FileDescriptorName= of their units, and not asked for yet.
type Sockets struct {
	waiting []socket
}

type socket struct {
	file      *os.File
	kind      int  // unix.SOCK_*
	listening bool // not a connection
}

// Inherited takes the sockets that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES
// tell of (sd_listen_fds(3)), and these variables out of the environment: a
// second call finds nothing. No child inherits the sockets. Close them.
func Inherited() (*Sockets, error) {
	s := &Sockets{}
	var failed error
	for _, file := range activation.Files(true) {
		found, err := describe(file)
		if err != nil && failed == nil {
			failed = fmt.Errorf("cannot take socket %q of the service manager: %w", file.Name(), err)
		}
		s.waiting = append(s.waiting, found)
	}
	if failed != nil {
		s.Close()
		return nil, failed
	}
	return s, nil
}

func describe(file *os.File) (socket, error) {
	fd := int(file.Fd())
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return socket{file: file}, err
	}
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return socket{file, kind, listening != 0}, err
}

// Listener returns the stream socket of that name; nil and no error if the
// service manager passed none. A Unix socket's path is the manager's: Close does
// not remove it.
func (s *Sockets) Listener(name string) (net.Listener, error) {
	found, err := s.take(name, unix.SOCK_STREAM)
	if found == nil || err != nil {
		return nil, err
	}
	defer found.Close()
	l, err := net.FileListener(found)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on socket %q of the service manager: %w", name, err)
	}
	if l, ok := l.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
	return l, nil
}

// Packet returns the datagram socket of that name (a *net.UDPConn for UDP); nil
// and no error if the service manager passed none.
func (s *Sockets) Packet(name string) (net.PacketConn, error) {
	found, err := s.take(name, unix.SOCK_DGRAM)
	if found == nil || err != nil {
		return nil, err
	}
	defer found.Close()
	conn, err := net.FilePacketConn(found)
	if err != nil {
		return nil, fmt.Errorf("cannot receive on socket %q of the service manager: %w", name, err)
	}
	return conn, nil
}

// take hands out the one socket of that name and kind. Those of one unit have one
// name: it may say ListenStream= and ListenDatagram=.
func (s *Sockets) take(name string, kind int) (*os.File, error) {
	at, count := s.find(func(w socket) bool { return w.file.Name() == name && w.kind == kind })
	if count == 0 {
		at, count = s.find(func(w socket) bool { return w.file.Name() == name })
	}
	switch {
	case count == 0:
		return nil, nil
	case count > 1:
		return nil, fmt.Errorf("cannot use socket %q of the service manager: it passed %d of that name, wants one", name, count)
	}
	found := s.waiting[at]
	if err := found.mustBe(kind); err != nil {
		return nil, fmt.Errorf("cannot use socket %q of the service manager: %w", name, err)
	}
	s.waiting = append(s.waiting[:at], s.waiting[at+1:]...)
	return found.file, nil
}

// find returns the last of the sockets that are wanted, and how many there are.
func (s *Sockets) find(wanted func(socket) bool) (at, count int) {
	for i, w := range s.waiting {
		if wanted(w) {
			at, count = i, count+1
		}
	}
	return at, count
}

// unitKeys are what a socket unit says for each kind of socket (systemd.socket(5)).
var unitKeys = map[int]string{
	unix.SOCK_STREAM:    "ListenStream=",
	unix.SOCK_DGRAM:     "ListenDatagram=",
	unix.SOCK_SEQPACKET: "ListenSequentialPacket=",
}

func (s socket) mustBe(kind int) error {
	switch {
	case s.kind != kind:
		return fmt.Errorf("its unit says %s, wants %s", unitKeys[s.kind], unitKeys[kind])
	case kind == unix.SOCK_STREAM && !s.listening:
		return fmt.Errorf("it is a connection: its unit says Accept=yes, wants Accept=no")
	}
	return nil
}

// Close closes the sockets that nobody asked for and returns their names. An
// unknown FileDescriptorName= is worth a warning: its clients wait for nobody.
func (s *Sockets) Close() (unused []string) {
	for _, w := range s.waiting {
		unused = append(unused, w.file.Name())
		w.file.Close()
	}
	s.waiting = nil
	return unused
}
