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
	ready  chan struct{} // closed by the first READY=1
	status string        // the last STATUS up to READY=1; read it after ready
}

func listenNotices(path string) (*notices, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("cannot await notices: %w", err)
	}
	return &notices{conn: conn, ready: make(chan struct{})}, nil
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
		if !ready {
			ready = n.note(string(buf[:size]))
		}
	}
}

func (n *notices) note(notice string) (ready bool) {
	for line := range strings.SplitSeq(notice, "\n") {
		if status, ok := strings.CutPrefix(line, "STATUS="); ok {
			n.status = status
		}
		ready = ready || line == "READY=1"
	}
	if ready {
		close(n.ready)
	}
	return ready
}
