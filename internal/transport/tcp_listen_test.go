package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

func TestListenerClose(t *testing.T) {
	cfg := Config{Key: security.GenerateKey(), OpeningTimeout: time.Hour}
	l := listenTCP(t, listen(t), cfg)
	worker, dispatcher := connect(t, l, l.Addr().String(), cfg)
	waiting, err := DialTCP(t.Context(), l.Addr().String(), cfg) // nobody accepts it
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	silent, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := worker.OpenBulk(t.Context(), nil); err != nil { // nor this
		t.Fatal(err)
	}
	bye, cut := readError(worker.Control()), readError(waiting.Control())

	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	if err := wait(t, closed); err != nil {
		t.Errorf("Close: %v", err)
	}
	wait(t, dispatcher.Done())
	if err := wait(t, bye); err != io.EOF {
		t.Errorf("control: %v, want a goodbye", err)
	}
	if err := wait(t, cut); err == nil {
		t.Error("a session that nobody accepted is still open")
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a silent connection is still open")
	}
	if _, err := l.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	if _, err := DialTCP(t.Context(), l.Addr().String(), cfg); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("DialTCP: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// slowListener takes its time to notice that it is closed.
type slowListener struct {
	net.Listener
	notice chan struct{}
}

func (l slowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.notice
	}
	return conn, err
}

func TestListenerCloseWaits(t *testing.T) {
	ln := slowListener{listen(t), make(chan struct{})}
	l := listenTCP(t, ln, Config{Key: security.GenerateKey()})
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	select {
	case <-closed:
		t.Error("Close did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	close(ln.notice)
	wait(t, closed)
}

// TestSessionsForgotten wants no trace of sessions that have ended.
func TestSessionsForgotten(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg).(*tcpListener)
	_, first := connect(t, l, l.Addr().String(), cfg)
	worker, second := connect(t, l, l.Addr().String(), cfg)
	first.Close()
	failed := readError(second.Control())
	worker.Close()
	wait(t, failed)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sessions) > 0 {
		t.Errorf("%d sessions are remembered", len(l.sessions))
	}
}

func TestAcceptContext(t *testing.T) {
	l := listenTCP(t, listen(t), Config{Key: security.GenerateKey()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Accept: %v", err)
	}
}

func TestZeroKey(t *testing.T) {
	if _, err := ListenTCP(listen(t), Config{}); !errors.Is(err, errZeroKey) {
		t.Errorf("ListenTCP: %v", err)
	}
	if _, err := DialTCP(t.Context(), "127.0.0.1:1", Config{}); !errors.Is(err, errZeroKey) {
		t.Errorf("DialTCP: %v", err)
	}
}

// flaky is a listener that fails as one does that has no descriptors left.
type flaky struct {
	net.Listener
	failures atomic.Int32
}

func (f *flaky) Accept() (net.Conn, error) {
	if f.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptFailure(t *testing.T) {
	ln := &flaky{Listener: listen(t)}
	ln.failures.Store(2)
	told := make(chan error, 10)
	cfg := Config{Key: security.GenerateKey(), Refused: func(_ string, why error) { told <- why }}
	l := listenTCP(t, ln, cfg)
	connect(t, l, l.Addr().String(), cfg)
	if err := wait(t, told); !errors.Is(err, errAccept) {
		t.Errorf("told %v", err)
	}
	if len(told) > 0 {
		t.Error("told twice")
	}
}

// TestBulksTakeNoPlace wants bulk channels that wait for AcceptBulk not to shut
// out others who are opening connections.
func TestBulksTakeNoPlace(t *testing.T) {
	cfg := Config{Key: security.GenerateKey(), MaxOpenings: 2}
	l := listenTCP(t, listen(t), cfg)
	worker, _ := connect(t, l, l.Addr().String(), cfg)
	for range 5 {
		if _, err := worker.OpenBulk(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS holds the handshake to what the proof relies on: no connection takes
// secrets over from another.
func TestTLS(t *testing.T) {
	g := newGate(t, Config{})
	cache := tls.NewLRUClientSessionCache(1)
	for range 2 {
		config := clientTLS(Config{})
		config.ClientSessionCache, config.ServerName = cache, "octaskly"
		conn := tls.Client(g.dial(t), config)
		_, exporter, err := bind(conn)
		if err != nil {
			t.Fatal(err)
		}
		o := opening{kind: kindControl, proof: security.Prove(g.cfg.Key, security.Worker, exporter)}
		if _, err := conn.Write(o.bytes()); err != nil {
			t.Fatal(err)
		}
		if _, err := readAnswer(conn, kindControl); err != nil {
			t.Fatal(err)
		}
		state := conn.ConnectionState()
		if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "octaskly/1" || state.DidResume {
			t.Errorf("version %x, protocol %q, resumed %v", state.Version, state.NegotiatedProtocol, state.DidResume)
		}
	}
}
