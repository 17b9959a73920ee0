package transport

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

func TestTCP(t *testing.T) {
	testConformance(t, func(t *testing.T, _ time.Duration) pair {
		cfg := Config{Key: security.GenerateKey()}
		l := listenTCP(t, listen(t), cfg)
		wire := newRelay(t, l.Addr().String())
		worker, dispatcher := connect(t, l, wire.addr(), cfg)
		return pair{worker, dispatcher, wire.cut}
	})
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func listenTCP(t testing.TB, ln net.Listener, cfg Config) Listener {
	t.Helper()
	l, err := ListenTCP(ln, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect opens a session with l by way of addr.
func connect(t testing.TB, l Listener, addr string, cfg Config) (worker, dispatcher Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	worker, err := DialTCP(ctx, addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { worker.Close() })
	dispatcher, err = l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return worker, dispatcher
}

// relay is a network that can be cut.
type relay struct {
	ln      net.Listener
	to      string
	copying sync.WaitGroup
	mu      sync.Mutex
	isCut   bool
	conns   []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	r := &relay{ln: listen(t), to: to}
	r.copying.Go(r.serve)
	t.Cleanup(func() { r.cut(); r.copying.Wait() })
	return r
}

func (r *relay) addr() string { return r.ln.Addr().String() }

func (r *relay) serve() {
	for {
		in, err := r.ln.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			in.Close()
			continue
		}
		if r.add(in, out) {
			r.copying.Go(func() { pipe(in, out) })
			r.copying.Go(func() { pipe(out, in) })
		}
	}
}

func (r *relay) add(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, conns...)
	if r.isCut {
		for _, c := range conns {
			c.Close()
		}
	}
	return !r.isCut
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isCut = true
	r.ln.Close()
	for _, c := range r.conns {
		c.Close()
	}
}

// pipe copies until from ends, and passes the end on.
func pipe(to, from net.Conn) {
	io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}
