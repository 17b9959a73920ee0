package client

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// ErrCut says that the connection broke in the middle of an answer, as it does
// when the daemon restarts.
var ErrCut = errors.New("the connection was cut")

// Unreachable says that nobody answers at a socket.
type Unreachable struct {
	Socket string // empty where the host has no place for one
	Err    error
}

func (e *Unreachable) Error() string {
	switch {
	case e.Socket == "":
		return fmt.Sprintf("cannot find the dispatcher's socket: %v; name it by --socket", e.Err)
	case errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("cannot use the daemon's socket %q: permission denied; %s", e.Socket, whoMay(e.Socket))
	}
	return fmt.Sprintf("cannot reach the dispatcher at %q: %v; is it running (%s)? another socket is named by --socket", e.Socket, why(e.Err), look(e.Socket))
}

// look is how to see whether a dispatcher runs.
func look(socket string) string {
	if strings.HasPrefix(socket, "/run/octaskly/") {
		return "systemctl status octasklyd-dispatcher"
	}
	return "octasklyd dispatcher"
}

// whoMay says how to become one of those who may use a socket.
func whoMay(path string) string {
	const unknown = "its directory and mode say who may"
	var info syscall.Stat_t
	if syscall.Stat(path, &info) != nil || info.Mode&0o060 != 0o060 || info.Gid == 0 {
		return unknown
	}
	group, err := user.LookupGroupId(strconv.FormatUint(uint64(info.Gid), 10))
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("members of group %[1]s may: sudo usermod -aG %[1]s \"$USER\", and log in again", group.Name)
}

// why leaves out what Unreachable says itself: "dial unix PATH: connect:".
func why(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func (e *Unreachable) Unwrap() error { return e.Err }
