package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/octaskly/octaskly/internal/dirs"
)

// socketMode lets in the owner and the group; in a directory of an ordinary
// user only the owner gets that far.
const socketMode = 0o660

// Listen listens on a Unix socket at path, which is removed when the listener is
// closed. A missing directory is made. A socket that is there already is
// replaced if nobody listens on it, and anything else is left alone.
//
// Two daemons that do this at the same moment may both find nobody: the later
// one then has the path. What must be held by one daemon, it locks elsewhere.
func Listen(path string) (net.Listener, error) {
	if err := dirs.CheckSocket(path); err != nil {
		return nil, err
	}
	if err := makeParent(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("cannot make the directory of socket %q: %w", path, err)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", path, err)
	}
	config := net.ListenConfig{Control: narrow}
	ln, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", path, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot set the mode of socket %q: %w", path, err), ln.Close())
	}
	return ln, nil
}

// narrow gives the socket its mode before it has a path: Linux takes the mode of
// the descriptor, less the umask, for that of the file, so that there is no
// moment at which more users can connect.
func narrow(_, _ string, conn syscall.RawConn) (err error) {
	return errors.Join(conn.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), socketMode) }), err)
}

// makeParent keeps others out, except from a directory of root, which has its
// socket for all its users.
func makeParent(dir string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o755
	}
	return os.MkdirAll(dir, mode)
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is something that is no socket; remove it, or name another path by --socket")
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return errors.New("it is already in use by another daemon")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, syscall.EAGAIN): // its queue of connections is full
		return errors.New("it is already in use by another daemon, which is busy")
	}
	return err
}
