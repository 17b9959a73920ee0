package transport

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

func TestQUIC(t *testing.T) {
	testConformance(t, func(t *testing.T, silence time.Duration) pair {
		cfg := Config{Key: security.GenerateKey(), silence: silence}
		l := listenQUIC(t, cfg)
		wire := newNetwork(t, l.Addr())
		worker, dispatcher := connectQUIC(t, l, wire.addr(), cfg)
		return pair{worker, dispatcher, wire.cut}
	})
}

func listenUDP(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func listenQUIC(t testing.TB, cfg Config) *quicListener {
	t.Helper()
	l, err := ListenQUIC(listenUDP(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*quicListener)
}

// connectQUIC opens a session with l by way of addr.
func connectQUIC(t testing.TB, l Listener, addr string, cfg Config) (worker, dispatcher Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	worker, err := DialQUIC(ctx, addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { worker.Close() })
	dispatcher, err = l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // nobody reads any more, so a goodbye would wait in vain
		worker.Control().Abort()
		dispatcher.Control().Abort()
	})
	return worker, dispatcher
}

// network carries the packets of one client, as a router does that gives it an
// address of its own. It can be cut, and can change that address.
type network struct {
	inside  *net.UDPConn
	to      *net.UDPAddr
	copying sync.WaitGroup

	mu      sync.Mutex
	isCut   bool
	outside *net.UDPConn
	client  *net.UDPAddr
}

func newNetwork(t testing.TB, to net.Addr) *network {
	n := &network{inside: listenUDP(t), to: to.(*net.UDPAddr)}
	n.move(t)
	n.copying.Go(n.forward)
	t.Cleanup(func() {
		n.cut()
		n.inside.Close()
		n.mu.Lock()
		n.outside.Close()
		n.mu.Unlock()
		n.copying.Wait()
	})
	return n
}

func (n *network) addr() string { return n.inside.LocalAddr().String() }

// move gives the client another address. Nothing comes back to the one before.
func (n *network) move(t testing.TB) {
	outside := listenUDP(t)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outside != nil {
		n.outside.Close()
	}
	n.outside = outside
	n.copying.Go(func() { n.back(outside) })
}

func (n *network) forward() {
	buf := make([]byte, 1<<16)
	for {
		size, from, err := n.inside.ReadFromUDP(buf)
		if err != nil {
			return
		}
		n.mu.Lock()
		if n.client = from; !n.isCut {
			n.outside.WriteToUDP(buf[:size], n.to)
		}
		n.mu.Unlock()
	}
}

func (n *network) back(outside *net.UDPConn) {
	buf := make([]byte, 1<<16)
	for {
		size, _, err := outside.ReadFromUDP(buf)
		if err != nil {
			return
		}
		n.mu.Lock()
		if !n.isCut && n.client != nil {
			n.inside.WriteToUDP(buf[:size], n.client)
		}
		n.mu.Unlock()
	}
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isCut = true
}
