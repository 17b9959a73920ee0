package systemd

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// journalSocket is where journald takes entries in its native protocol.
const journalSocket = "/run/systemd/journal/socket"

// sendTimeout is how long one entry waits for a busy journal.
const sendTimeout = time.Second

// errBusy says that the journal did not take an entry in time. What goes to
// standard error would wait for the same journal.
var errBusy = errors.New("the journal is busy")

// journald sends datagrams to the journal: one system call each. It waits inside
// of it, since a full queue of a Unix datagram socket cannot be waited for with
// epoll unless one is connected: the caller would spin.
type journald struct {
	mu   sync.Mutex
	fd   int // stays open for as long as the process lives
	addr unix.SockaddrUnix
	busy bool

	timeout time.Duration // of the socket
}

func openJournald(path string, timeout time.Duration) (*journald, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	limit := unix.NsecToTimeval(timeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &journald{fd: fd, addr: unix.SockaddrUnix{Name: path}, timeout: timeout}, nil
}

// send returns errBusy if the journal does not take the datagram in time. Once
// it did not, nobody waits for it until it takes one again.
func (j *journald) send(datagram []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	flags := unix.MSG_NOSIGNAL
	if j.busy {
		flags |= unix.MSG_DONTWAIT
	}
	err := j.sendto(datagram, flags)
	j.busy = err == unix.EAGAIN
	if j.busy {
		return errBusy
	}
	return err
}

// sendto goes on after signals, which interrupt a send with a timeout
// (signal(7)), but not beyond that timeout.
func (j *journald) sendto(datagram []byte, flags int) error {
	for began := time.Now(); ; {
		err := unix.Sendto(j.fd, datagram, flags, &j.addr)
		switch {
		case err != unix.EINTR:
			return err
		case time.Since(began) > j.timeout:
			return unix.EAGAIN
		}
	}
}
