package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy is the network between one worker and the dispatcher, which can break.
// Its methods may be called from any goroutine.
type Proxy struct {
	listener net.Listener
	links    sync.WaitGroup

	mu      sync.Mutex
	target  string // address to pass connections on to
	weather Weather
	closed  bool
	changed chan struct{} // closed when the weather changes
	conns   map[net.Conn]struct{}
}

// Weather is what befalls bytes on their way. Its zero value is fine.
type Weather struct {
	Cut   bool          // connections are reset, and every new one
	Mute  bool          // what the worker says stays on the way
	Deaf  bool          // and what is said to it
	Delay time.Duration // of every chunk, each way
	Lossy bool          // every chunk loses its last byte
}

// NewProxy listens on a port of its own and passes connections on to target,
// HOST:PORT. Close it.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot put a proxy before %s: %w", target, err)
	}
	p := &Proxy{listener: listener, target: target, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	p.links.Go(p.accept)
	return p, nil
}

// Address is HOST:PORT of the proxy.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Cut resets all connections, and every new one until Heal.
func (p *Proxy) Cut() { p.Set(Weather{Cut: true}) }

// Stall carries no more bytes until Heal, and tells nobody: a half-open link.
// What was sent meanwhile then arrives, unless a side has given up by then.
func (p *Proxy) Stall() { p.Set(Weather{Mute: true, Deaf: true}) }

// Heal makes the link whole.
func (p *Proxy) Heal() { p.Set(Weather{}) }

// Set changes the weather, for the connections that are there and for those that
// come.
func (p *Proxy) Set(w Weather) { p.become(w, false) }

// Close cuts the link for ever and waits for the end of all connections.
func (p *Proxy) Close() error {
	p.become(Weather{Cut: true}, true)
	err := p.listener.Close()
	p.links.Wait()
	return err
}

// aim passes later connections on to target.
func (p *Proxy) aim(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) become(w Weather, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.weather, p.closed = w, last
	close(p.changed)
	p.changed = make(chan struct{})
	if w.Cut {
		for conn := range p.conns {
			reset(conn)
		}
	}
}

// reset loses what is on its way, as a broken link does.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.enter(conn) {
			p.links.Go(func() { p.serve(conn) })
		}
	}
}

// enter keeps account of a connection; where there is no link, it resets it.
func (p *Proxy) enter(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.weather.Cut {
		reset(conn)
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *Proxy) leave(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	conn.Close()
}

// serve carries one connection's bytes both ways.
func (p *Proxy) serve(near net.Conn) {
	defer p.leave(near)
	p.pass(nil, Weather.mute)
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	far, err := net.Dial("tcp", target)
	if err != nil || !p.enter(far) {
		return
	}
	defer p.leave(far)
	var ways sync.WaitGroup
	ways.Go(func() { p.carry(far, near, Weather.mute) })
	p.carry(near, far, Weather.deaf)
	ways.Wait()
}

// carry copies until from ends. What breaks is reset, as it would be without a
// proxy.
func (p *Proxy) carry(to, from net.Conn, held func(Weather) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if chunk := p.pass(buf[:n], held); len(chunk) > 0 {
			if _, err := to.Write(chunk); err != nil {
				reset(from)
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			to.(*net.TCPConn).CloseWrite()
			return
		case err != nil:
			reset(to)
			return
		}
	}
}

func (w Weather) mute() bool { return w.Mute }
func (w Weather) deaf() bool { return w.Deaf }

// pass keeps a chunk as long as the weather wants it, and returns what is left.
func (p *Proxy) pass(chunk []byte, held func(Weather) bool) []byte {
	w, changed := p.now()
	for held(w) {
		<-changed
		w, changed = p.now()
	}
	if w.Delay > 0 && len(chunk) > 0 {
		timer := time.NewTimer(w.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-changed:
		}
	}
	if w.Lossy && len(chunk) > 0 {
		return chunk[:len(chunk)-1]
	}
	return chunk
}

func (p *Proxy) now() (Weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather, p.changed
}
