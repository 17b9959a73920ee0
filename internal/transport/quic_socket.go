package transport

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// udpBuffer is what QUIC wants of a socket to be fast.
const udpBuffer = 7 << 20

// tell says what stands in the way of speed.
func (c Config) tell(slow error) {
	if slow != nil && c.Slow != nil {
		c.Slow(slow)
	}
}

// enlarge gives conn large buffers. The error says what the kernel must be told to
// allow them.
func enlarge(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	conn.SetReadBuffer(udpBuffer)
	conn.SetWriteBuffer(udpBuffer)
	var got, sent int
	err = raw.Control(func(fd uintptr) {
		// With CAP_NET_ADMIN, the kernel's bound does not count (socket(7)).
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, udpBuffer)
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, udpBuffer)
		got, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		sent, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
	})
	if err != nil {
		return err
	}
	return smallBuffers(got, sent)
}

// smallBuffers is about what the kernel says it has, which is twice what it gives.
func smallBuffers(got, sent int) error {
	if got >= udpBuffer && sent >= udpBuffer {
		return nil
	}
	return fmt.Errorf("the kernel allows buffers of %d and %d KiB, and QUIC is slower with less than %d: sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000",
		got>>10, sent>>10, udpBuffer>>10)
}

// patient is a UDP socket on which a packet that cannot be sent is one that was
// lost, as on any other part of its way. quic-go would give the connection up: a laptop
// that is between two networks has no route for some seconds.
type patient struct {
	*net.UDPConn
	isOn atomic.Bool
}

// WriteMsgUDP is how quic-go sends.
func (c *patient) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	n, oobn, err = c.UDPConn.WriteMsgUDP(b, oob, addr)
	if err != nil && c.isOn.Load() && isPassing(err) {
		return len(b), len(oob), nil
	}
	return n, oobn, err
}

var passing = []unix.Errno{
	unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EHOSTDOWN, unix.EADDRNOTAVAIL,
	unix.ENOBUFS, unix.EPERM, unix.EACCES, unix.ECONNREFUSED,
}

func isPassing(err error) bool {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return false
	}
	for _, e := range passing {
		if e == errno {
			return true
		}
	}
	return false
}

// hearErrors has the kernel say what it is told of packets that cannot arrive
// (IP_RECVERR, ip(7)), so that nobody waits for a dispatcher that is not there. Only
// while dialing: later, anybody who guesses a port could end a session so.
func hearErrors(conn *net.UDPConn, on bool) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	value := 0
	if on {
		value = 1
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		if conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, value)
			return
		}
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, value)
	})
	return errors.Join(err, set)
}
