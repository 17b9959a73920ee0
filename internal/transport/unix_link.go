package transport

import (
	"context"
	"net"
	"sync"
)

// unixLink is what both ends of a session over a Unix socket have in common.
type unixLink struct {
	control *unixControl
	carrier *net.UnixConn // bulk channels go over it, from executor to relay
	peer    string
	room    chan struct{}   // holds one for each bulk channel
	life    context.Context // ends with the session
	cancel  context.CancelFunc

	mu    sync.Mutex
	bulks map[*unixBulk]bool
}

func newUnixLink(conn, carrier *net.UnixConn, peer string, maxBulks int) *unixLink {
	l := &unixLink{carrier: carrier, peer: peer, room: make(chan struct{}, maxBulks), bulks: map[*unixBulk]bool{}}
	l.control = &unixControl{unixChannel{conn: conn}, l}
	l.life, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *unixLink) Control() Channel      { return l.control }
func (l *unixLink) Peer() string          { return l.peer }
func (l *unixLink) Done() <-chan struct{} { return l.life.Done() }
func (l *unixLink) Identity() *Identity   { return nil }

func (l *unixLink) Close() error {
	if !l.end() {
		return nil
	}
	return l.control.hangUp(goodbye)
}

// abort is Close without a goodbye.
func (l *unixLink) abort() {
	if l.end() {
		l.control.conn.Close()
	}
}

// end cuts the bulk channels off, so that what is on its way does not look
// complete. It reports whether the session had not ended before.
func (l *unixLink) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return false
	}
	l.cancel()
	for b := range l.bulks {
		b.conn.Close()
	}
	l.carrier.Close()
	return true
}

// add makes conn, for which there is room, live as long as the session.
func (l *unixLink) add(conn *net.UnixConn) (*unixBulk, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	b := &unixBulk{unixChannel{conn: conn}, l}
	l.bulks[b] = true
	return b, nil
}

func (l *unixLink) remove(b *unixBulk) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bulks[b] {
		delete(l.bulks, b)
		<-l.room
	}
}
