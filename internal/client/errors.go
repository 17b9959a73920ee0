package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// ErrCut says that the connection broke in the middle of an answer, as it does
// when the daemon restarts.
var ErrCut = errors.New("the connection was cut")

// Unauthorized says that a server does not know who is calling.
type Unauthorized struct {
	URL   string
	Token bool  // it was shown a token of octasklyctl token create
	Err   error // why
}

func (e *Unauthorized) Error() string {
	return fmt.Sprintf("cannot use the dispatcher at %s: %v", e.URL, e.Err)
}

func (e *Unauthorized) Unwrap() error { return e.Err }

// Is makes it an octaskly.ErrUnknown, whatever the reason.
func (e *Unauthorized) Is(target error) bool { return target == octaskly.ErrUnknown }

// Unreachable says that nobody answers at a socket, or at a URL nobody to trust.
type Unreachable struct {
	Socket string // empty where the host has no place for one
	URL    string // instead
	Err    error
}

func (e *Unreachable) Error() string {
	switch {
	case e.URL != "" && Distrusted(e.Err):
		return fmt.Sprintf("cannot trust the dispatcher at %s: %s", e.URL, distrust(e.Err))
	case e.URL != "":
		return fmt.Sprintf("cannot reach the dispatcher at %s: %v", e.URL, why(e.Err))
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
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return errors.New("it does not speak TLS there")
	}
	return err
}

func (e *Unreachable) Unwrap() error { return e.Err }

// Unkept says that contexts cannot be written, and so no login be kept.
type Unkept struct {
	Doing string // lock or write
	Path  string
	Err   error
}

func (e *Unkept) Error() string {
	return fmt.Sprintf("cannot %s the contexts in %q: %v", e.Doing, e.Path, e.Err)
}

func (e *Unkept) Unwrap() error { return e.Err }
