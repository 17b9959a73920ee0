package client

import (
	"errors"
	"fmt"
	"io/fs"
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
		return fmt.Sprintf("cannot use the dispatcher's socket %q: permission denied; its directory and mode say who may", e.Socket)
	}
	return fmt.Sprintf("cannot reach the dispatcher at %q: %v; is it running (octasklyd dispatcher)? another socket is named by --socket", e.Socket, why(e.Err))
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
