package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// goodbye is how long Close waits for a peer that does not read.
const goodbye = time.Second

// link is what both ends of a session over TCP have in common: the control
// connection, and the bulk connections that live no longer than it does.
type link struct {
	control  *control
	who      *Identity
	maxBulks int
	life     context.Context // ends with the session
	cancel   context.CancelFunc
	onEnd    func()

	mu    sync.Mutex
	bulks map[*bulk]bool
}

func newLink(conn *tls.Conn, raw net.Conn, maxBulks int, onEnd func()) *link {
	l := &link{maxBulks: maxBulks, onEnd: onEnd, bulks: map[*bulk]bool{}}
	l.control = &control{conn, raw, l}
	l.life, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *link) Control() Channel      { return l.control }
func (l *link) Peer() string          { return l.control.raw.RemoteAddr().String() }
func (l *link) Done() <-chan struct{} { return l.life.Done() }
func (l *link) Identity() *Identity   { return l.who }

func (l *link) Close() error {
	if !l.end() {
		return nil
	}
	impatient := time.AfterFunc(goodbye, func() { l.control.raw.Close() })
	defer impatient.Stop()
	return l.control.Conn.Close()
}

// abort is Close without a goodbye.
func (l *link) abort() {
	if l.end() {
		l.control.raw.Close()
	}
}

// end cuts the bulk channels off, so that what is on its way does not look
// complete. It reports whether the session had not ended before.
func (l *link) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return false
	}
	l.cancel()
	for b := range l.bulks {
		b.raw.Close()
	}
	l.onEnd()
	return true
}

// add lets b live as long as the session.
func (l *link) add(b *bulk) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.life.Err() != nil:
		return net.ErrClosed
	case len(l.bulks) >= l.maxBulks:
		return ErrTooManyBulks
	}
	l.bulks[b] = true
	return nil
}

func (l *link) remove(b *bulk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.bulks, b)
}

// control is the channel whose failure ends its session.
type control struct {
	*tls.Conn
	raw  net.Conn
	link *link
}

func (c *control) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	// Not net.Error's Timeout: that is true of ETIMEDOUT as well, by which the
	// kernel says that the peer is gone.
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.link.abort()
	}
	return n, err
}

func (c *control) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.link.abort()
	}
	return n, err
}

func (c *control) Close() error { return c.link.Close() }
func (c *control) Abort()       { c.link.abort() }

// bulk is a channel of its own that counts in its session.
type bulk struct {
	*tls.Conn
	raw  net.Conn
	link *link
}

func (b *bulk) Close() error {
	// It counts until it is closed, for the session to cut a slow goodbye short.
	defer b.link.remove(b)
	return b.Conn.Close()
}

func (b *bulk) Abort() {
	b.link.remove(b)
	b.raw.Close()
}
