package transport

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

var errDescriptor = errors.New("it does not come with one Unix socket of the right type")

// socketPair returns one end of a pair of sockets, and the descriptor of the
// other, which is to be sent away and closed.
func socketPair(kind int) (here *net.UnixConn, there int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	here, err = adopt(fds[0], kind)
	if err != nil {
		unix.Close(fds[1])
		return nil, -1, err
	}
	return here, fds[1], nil
}

// adopt makes a connection of fd, which is closed if it is no such socket.
func adopt(fd, kind int) (*net.UnixConn, error) {
	if fd < 0 {
		return nil, errDescriptor
	}
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close() // the connection gets a descriptor of its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDescriptor, err)
	}
	network := map[int]string{unix.SOCK_STREAM: "unix", unix.SOCK_SEQPACKET: "unixpacket"}[kind]
	if conn.LocalAddr().Network() != network {
		conn.Close()
		return nil, errDescriptor
	}
	return conn.(*net.UnixConn), nil
}

// sendAtOnce sends a packet that carries fd, and fails with ErrTooManyBulks if
// that would have to wait.
func sendAtOnce(conn *net.UnixConn, packet []byte, fd int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(to uintptr) bool {
		sent = unix.Sendmsg(int(to), packet, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		return true
	})
	// The peer leaves packets unread. ETOOMANYREFS is unix(7)'s limit for one user.
	if sent == unix.EAGAIN || sent == unix.ETOOMANYREFS {
		return ErrTooManyBulks
	}
	return errors.Join(err, os.NewSyscallError("sendmsg", sent))
}

// receive reads into p what may carry a descriptor, -1 if it carries none. The
// kernel closes further ones, for which there is no room.
func receive(conn *net.UnixConn, p []byte) (n, fd int, err error) {
	oob := make([]byte, unix.CmsgLen(4))
	n, oobn, flags, _, err := conn.ReadMsgUnix(p, oob)
	if err != nil {
		return 0, -1, err
	}
	fd = descriptor(oob[:oobn])
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		discard(fd)
		return 0, -1, errDescriptor
	}
	return n, fd, nil
}

func descriptor(oob []byte) int {
	if len(oob) == 0 {
		return -1
	}
	message, data, _, err := unix.ParseOneSocketControlMessage(oob)
	if err != nil {
		return -1
	}
	fds, err := unix.ParseUnixRights(&unix.SocketControlMessage{Header: message, Data: data})
	if err != nil || len(fds) != 1 {
		return -1
	}
	return fds[0]
}

func discard(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
