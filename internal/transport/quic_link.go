package transport

import (
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// quicLink is what both ends of a session over QUIC have in common: a connection,
// whose end is that of all its streams.
type quicLink struct {
	conn     *quic.Conn
	control  *quicControl
	who      *Identity
	maxBulks int

	mu    sync.Mutex
	bulks int
}

func newQUICLink(conn *quic.Conn, stream *quic.Stream, maxBulks int) *quicLink {
	l := &quicLink{conn: conn, maxBulks: maxBulks}
	l.control = &quicControl{quicChannel{Stream: stream}, l}
	stream.SetPriority(0, true) // before all bulk channels
	return l
}

func (l *quicLink) Control() Channel      { return l.control }
func (l *quicLink) Peer() string          { return l.conn.RemoteAddr().String() }
func (l *quicLink) Done() <-chan struct{} { return l.conn.Context().Done() }

func (l *quicLink) Identity() *Identity { return l.who }

func (l *quicLink) isQUIC() {} // for NameOf

func (l *quicLink) hasEnded() bool { return l.conn.Context().Err() != nil }

// Close ends the connection when the peer has read all that was written, which
// it says by ending it, too.
func (l *quicLink) Close() error {
	if !l.control.finish() {
		return nil
	}
	impatient := time.NewTimer(goodbye)
	defer impatient.Stop()
	select {
	case <-l.Done():
	case <-impatient.C:
	}
	return l.hangUp(codeBye)
}

// hangUp ends the connection and all its streams at once.
func (l *quicLink) hangUp(code quic.ApplicationErrorCode) error {
	l.control.over.Store(true)
	return l.conn.CloseWithError(code, "")
}

// add makes a stream a bulk channel.
func (l *quicLink) add(stream *quic.Stream) (*quicBulk, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.hasEnded():
		return nil, net.ErrClosed
	case l.bulks >= l.maxBulks:
		return nil, ErrTooManyBulks
	}
	l.bulks++
	return &quicBulk{quicChannel{Stream: stream}, l}, nil
}

func (l *quicLink) remove() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bulks--
}
