package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
)

// notices is what a daemon tells by sd_notify(3). It is read until the end of
// the daemon, which would hang in its next notice otherwise.
type notices struct {
	conn   *net.UnixConn
	want   string        // how the status begins of one that is ready
	served bool          // READY=1 came
	ready  chan struct{} // closed when both are there
	status string        // the last one up to then; read it after ready
	again  chan struct{} // gets something with every later READY=1
}

func listenNotices(path, want string) (*notices, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("cannot await notices: %w", err)
	}
	return &notices{conn: conn, want: want, ready: make(chan struct{}), again: make(chan struct{}, 100)}, nil
}

// read returns when the socket is closed.
func (n *notices) read() {
	buf := make([]byte, 4096)
	ready := false
	for {
		size, err := n.conn.Read(buf)
		if err != nil {
			return
		}
		switch notice := string(buf[:size]); {
		case !ready:
			ready = n.note(notice)
		case strings.HasPrefix(notice, "READY=1"):
			select {
			case n.again <- struct{}{}:
			default: // nobody counts so many
			}
		}
	}
}

func (n *notices) note(notice string) (ready bool) {
	for line := range strings.SplitSeq(notice, "\n") {
		if status, ok := strings.CutPrefix(line, "STATUS="); ok {
			n.status = status
		}
		n.served = n.served || line == "READY=1"
	}
	ready = n.served && strings.HasPrefix(n.status, n.want)
	if ready {
		close(n.ready)
	}
	return ready
}
