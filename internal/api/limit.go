package api

import (
	"container/list"
	"context"
	"net"
	"sync"
)

// limitListener accepts up to a number of connections at a time; further ones
// wait in the kernel's queue. Of these each peer, a user or an address, has a
// share, so that nobody keeps others out: who has used his up loses the connection that has been idle
// for longest, and where none is idle his next one is told so, see connection.
type limitListener struct {
	net.Listener
	share  int
	slots  chan struct{}
	closed chan struct{} // closed by Close
	close  func() error

	mu    sync.Mutex
	peers map[peer]*peerShare // by network
}

// peerShare is the open connections of one peer.
type peerShare struct {
	open int
	idle list.List // of *limitConn between requests, the longest idle first
}

// overdraft is how many connections past his share a peer may have to be told so.
const overdraft = 32

func newLimitListener(ln net.Listener, n, share int) *limitListener {
	l := &limitListener{
		Listener: ln, share: share, slots: make(chan struct{}, n), closed: make(chan struct{}), peers: map[peer]*peerShare{},
	}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return ln.Close()
	})
	return l
}

func (l *limitListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		c := &limitConn{Conn: conn, of: l, peer: peerOf(conn)}
		c.leave = sync.OnceFunc(func() { l.leave(c) })
		evicted, served := l.enter(c)
		if evicted != nil {
			evicted.Close()
		}
		if served {
			return c, nil
		}
		c.Close()
	}
}

func (l *limitListener) Close() error { return l.close() }

// enter takes c into its peer's share. It says which connection is to be closed
// for that, if any, and whether c is to be served.
func (l *limitListener) enter(c *limitConn) (evicted *limitConn, served bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.peers[c.peer.network()]
	if u == nil {
		u = &peerShare{}
		l.peers[c.peer.network()] = u
	}
	if u.open++; u.open <= l.share {
		return nil, true
	}
	if oldest := u.idle.Front(); oldest != nil {
		return oldest.Value.(*limitConn), true
	}
	c.over = true
	return nil, u.open <= l.share+overdraft
}

func (l *limitListener) leave(c *limitConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.peers[c.peer.network()]
	u.rest(c, false)
	c.left = true
	if u.open--; u.open == 0 {
		delete(l.peers, c.peer.network())
	}
	<-l.slots
}

// rest enters c with those that are idle, or takes it out.
func (u *peerShare) rest(c *limitConn, idle bool) {
	switch {
	case idle && c.idle == nil:
		c.idle = u.idle.PushBack(c)
	case !idle && c.idle != nil:
		u.idle.Remove(c.idle)
		c.idle = nil
	}
}

// limitConn gives its place back when it is closed.
type limitConn struct {
	net.Conn
	of    *limitListener
	peer  peer
	over  bool          // past its peer's share
	leave func()        // gives its place back, once
	left  bool          // it has; this and idle are guarded by of.mu
	idle  *list.Element // in its peer's list
}

// rest says whether c waits for its next request.
func (c *limitConn) rest(idle bool) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if !c.left {
		c.of.peers[c.peer.network()].rest(c, idle)
	}
}

func (c *limitConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// describe is what requests on c know of it.
func (c *limitConn) describe(d door, stopping context.Context) connection {
	known := connection{peer: c.peer, door: d, stopping: stopping}
	if c.over {
		known.over = c.of.share
	}
	return known
}
