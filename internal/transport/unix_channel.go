package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lastWord is how long a bulk channel's Close waits for a peer that does not read.
const lastWord = 5 * time.Second

// unixChannel is a stream socket whose end is told from its peer's death by a
// last byte that carries a descriptor. Nothing else here does, so the data needs
// no frames. The reader offers no room for descriptors: the kernel says by
// MSG_CTRUNC that there was one, and closes it.
type unixChannel struct {
	conn  *net.UnixConn
	ended bool // the last byte has been read; the reader's alone

	writing sync.Mutex
	torn    bool // a Write failed, so it must not look complete
}

func (c *unixChannel) SetReadDeadline(t time.Time) error  { return c.conn.SetReadDeadline(t) }
func (c *unixChannel) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

func (c *unixChannel) Read(p []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, _, flags, _, err := c.conn.ReadMsgUnix(p, nil)
	switch {
	case errors.Is(err, io.EOF):
		return 0, errCut
	case err != nil:
		return 0, err
	case flags&unix.MSG_CTRUNC == 0:
		return n, nil
	}
	c.ended = true
	if n == 1 {
		return 0, io.EOF
	}
	return n - 1, nil
}

func (c *unixChannel) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	n, err := c.conn.Write(p)
	c.torn = c.torn || err != nil
	return n, err
}

// hangUp closes the connection, after the last byte if what was written is
// complete: it is not while a Write is on its way.
func (c *unixChannel) hangUp(patience time.Duration) error {
	var err error
	if c.writing.TryLock() {
		if !c.torn {
			err = c.sendEnd(patience)
		}
		c.writing.Unlock()
	}
	return errors.Join(err, c.conn.Close())
}

func (c *unixChannel) sendEnd(patience time.Duration) error {
	// An eventfd(2) is the cheapest descriptor to be had, and no socket, for
	// which the kernel would look for cycles.
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	defer unix.Close(fd)
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	_, _, err = c.conn.WriteMsgUnix([]byte{0}, unix.UnixRights(fd), nil)
	return err
}

// unixControl is the channel whose failure ends its session.
type unixControl struct {
	unixChannel
	link *unixLink
}

func (c *unixControl) Read(p []byte) (int, error) {
	n, err := c.unixChannel.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.link.abort()
	}
	return n, err
}

func (c *unixControl) Write(p []byte) (int, error) {
	n, err := c.unixChannel.Write(p)
	if err != nil {
		c.link.abort()
	}
	return n, err
}

func (c *unixControl) Close() error { return c.link.Close() }
func (c *unixControl) Abort()       { c.link.abort() }

// unixBulk is a channel that counts in its session.
type unixBulk struct {
	unixChannel
	link *unixLink
}

func (b *unixBulk) Close() error {
	// It counts until it is closed, for the session to cut a slow goodbye short.
	defer b.link.remove(b)
	return b.hangUp(lastWord)
}

func (b *unixBulk) Abort() {
	b.link.remove(b)
	b.conn.Close()
}
