package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
)

// quicChannel is a stream that ends in good order only if all of it was written.
type quicChannel struct {
	*quic.Stream
	over    atomic.Bool // closed or aborted
	writing sync.Mutex  // held by Write
	isCut   bool        // a Write has failed
}

func (c *quicChannel) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	n, err := c.Stream.Write(p)
	if err != nil {
		c.isCut = true
	}
	return n, err
}

// finish says to the peer that this was all, or that it was not. It reports
// whether nobody had done so before.
func (c *quicChannel) finish() bool {
	if !c.over.CompareAndSwap(false, true) {
		return false
	}
	if !c.writing.TryLock() { // a Write is on its way
		c.CancelWrite(codeCut)
		return true
	}
	defer c.writing.Unlock()
	if c.isCut {
		c.CancelWrite(codeCut)
	} else {
		c.Stream.Close()
	}
	return true
}

// abandon reports whether it was not over before.
func (c *quicChannel) abandon() bool {
	if !c.over.CompareAndSwap(false, true) {
		return false
	}
	c.CancelWrite(codeCut)
	c.CancelRead(codeCut)
	return true
}

// quicBulk is a channel that counts in its session.
type quicBulk struct {
	quicChannel
	link *quicLink
}

// Close leaves what was written to QUIC, which delivers it while the session lasts.
func (b *quicBulk) Close() error {
	if b.finish() {
		b.CancelRead(codeBye)
		b.link.remove()
	}
	return nil
}

func (b *quicBulk) Abort() {
	if b.abandon() {
		b.link.remove()
	}
}

// quicControl is the channel whose failure ends its session.
type quicControl struct {
	quicChannel
	link *quicLink
}

var errHere = fmt.Errorf("the session was closed here: %w", net.ErrClosed)

func (c *quicControl) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
		return n, err
	case err == io.EOF:
		if c.over.Load() {
			err = errHere
		}
		c.link.hangUp(codeBye) // whoever said goodbye waits to hear that it has arrived
	default:
		c.link.hangUp(codeCut)
	}
	return n, err
}

func (c *quicControl) Write(p []byte) (int, error) {
	n, err := c.quicChannel.Write(p)
	if err != nil {
		c.link.hangUp(codeCut)
	}
	return n, err
}

func (c *quicControl) Close() error { return c.link.Close() }
func (c *quicControl) Abort()       { c.link.hangUp(codeCut) }
