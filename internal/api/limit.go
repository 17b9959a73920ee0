package api

import (
	"container/list"
	"net"
	"sync"
)

// limitListener accepts up to a number of connections at a time; further ones
// wait in the kernel's queue. Of these each user has a share, so that nobody
// keeps others out: who has used his up loses the connection that has been idle
// for longest, and where none is idle his next one is told so, see connection.
type limitListener struct {
	net.Listener
	share  int
	slots  chan struct{}
	closed chan struct{} // closed by Close
	close  func() error

	mu    sync.Mutex
	users map[int]*userShare // by uid
}

// userShare is the open connections of one user.
type userShare struct {
	open int
	idle list.List // of *limitConn between requests, the longest idle first
}

// overdraft is how many connections past his share a user may have to be told so.
const overdraft = 32

func newLimitListener(ln net.Listener, n, share int) *limitListener {
	l := &limitListener{
		Listener: ln, share: share, slots: make(chan struct{}, n), closed: make(chan struct{}), users: map[int]*userShare{},
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
		c := &limitConn{Conn: conn, of: l, uid: peerUID(conn)}
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

// enter takes c into its user's share. It says which connection is to be closed
// for that, if any, and whether c is to be served.
func (l *limitListener) enter(c *limitConn) (evicted *limitConn, served bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[c.uid]
	if u == nil {
		u = &userShare{}
		l.users[c.uid] = u
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
	u := l.users[c.uid]
	u.rest(c, false)
	c.left = true
	if u.open--; u.open == 0 {
		delete(l.users, c.uid)
	}
	<-l.slots
}

// rest enters c with those that are idle, or takes it out.
func (u *userShare) rest(c *limitConn, idle bool) {
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
	uid   int           // of the process that connected; -1: not known
	over  bool          // past its user's share
	leave func()        // gives its place back, once
	left  bool          // it has; this and idle are guarded by of.mu
	idle  *list.Element // in its user's list
}

// rest says whether c waits for its next request.
func (c *limitConn) rest(idle bool) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if !c.left {
		c.of.users[c.uid].rest(c, idle)
	}
}

func (c *limitConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
