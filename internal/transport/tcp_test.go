package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/security"
)

func TestTCP(t *testing.T) {
	testConformance(t, func(t *testing.T) pair {
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

// TestOpeningTimeoutPasses wants the deadline of the opening not to stay on
// what was opened.
func TestOpeningTimeoutPasses(t *testing.T) {
	cfg := Config{Key: security.GenerateKey(), OpeningTimeout: time.Second}
	l := listenTCP(t, listen(t), cfg)
	var p pair
	p.worker, p.dispatcher = connect(t, l, l.Addr().String(), cfg)
	here, _, there := openBulk(t, p, nil)
	here.SetReadDeadline(time.Now().Add(cfg.OpeningTimeout))
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	for _, ends := range [][2]Channel{{here, there}, {p.worker.Control(), p.dispatcher.Control()}} {
		for _, way := range [][2]Channel{{ends[0], ends[1]}, {ends[1], ends[0]}} {
			ends[0].SetReadDeadline(time.Now().Add(patience))
			_, sent := way[0].Write([]byte("x"))
			_, got := way[1].Read(make([]byte, 1))
			if err := errors.Join(sent, got); err != nil {
				t.Error(err)
			}
		}
	}
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

// lastGasp is a connection whose end the kernel finds out by itself.
type lastGasp struct{ net.Conn }

func (c lastGasp) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	}
	return n, err
}

type lastGasps struct{ net.Listener }

func (l lastGasps) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return lastGasp{conn}, err
}

// TestSilenceEndsSession is about an error whose Timeout method says true.
func TestSilenceEndsSession(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, lastGasps{listen(t)}, cfg)
	worker, dispatcher := connect(t, l, l.Addr().String(), cfg)
	failed := readError(dispatcher.Control())
	worker.(*workerSession).abort()
	if err := wait(t, failed); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Fatalf("Read: %v", err)
	}
	wait(t, dispatcher.Done())
}

func TestBulkLimit(t *testing.T) {
	key := security.GenerateKey()
	for name, limits := range map[string][2]int{"worker's": {2, 256}, "dispatcher's": {256, 2}} {
		t.Run(name, func(t *testing.T) {
			l := listenTCP(t, listen(t), Config{Key: key, MaxBulks: limits[1]})
			var p pair
			p.worker, p.dispatcher = connect(t, l, l.Addr().String(), Config{Key: key, MaxBulks: limits[0]})
			here, _, there := openBulk(t, p, nil)
			openBulk(t, p, nil)
			if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, ErrTooManyBulks) {
				t.Fatalf("the third: %v", err)
			}
			here.Close()
			there.Close()
			openBulk(t, p, nil)
		})
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

// moved is a connection whose peer is said to be elsewhere.
type moved struct {
	net.Conn
	to    net.Addr
	asked chan struct{}
}

func (c moved) RemoteAddr() net.Addr {
	close(c.asked)
	return c.to
}

// TestCloseWhileDialing closes a session whose dispatcher takes no connections.
func TestCloseWhileDialing(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg)
	worker, _ := connect(t, l, l.Addr().String(), cfg)
	s := worker.(*workerSession)
	asked := make(chan struct{})
	s.control.raw = moved{s.control.raw, deaf(t), asked}
	opened := make(chan error, 1)
	go func() {
		_, err := s.OpenBulk(t.Context(), nil)
		opened <- err
	}()
	wait(t, asked)
	s.Close()
	select {
	case err := <-opened:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("OpenBulk: %v", err)
		}
	case <-time.After(patience / 2): // half of its own timeout
		t.Error("OpenBulk goes on")
	}
}

// deaf returns the address of a listener whose queue is full, so that the
// kernel drops further attempts to connect.
func deaf(t *testing.T) net.Addr {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return addr
}

// TestCloseOfUnread fills the way to the peer, so that the goodbye finds no room.
func TestCloseOfUnread(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg)
	worker, _ := connect(t, l, l.Addr().String(), cfg)
	raw := worker.(*workerSession).control.raw
	for _, n := range []int{1 << 16, 1} {
		for err := error(nil); err == nil; {
			raw.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			_, err = raw.Write(make([]byte, n))
		}
	}
	raw.SetWriteDeadline(time.Time{})
	begin := time.Now()
	worker.Close()
	t.Log(time.Since(begin))
	if took := time.Since(begin); took > goodbye+time.Second {
		t.Errorf("Close took %v", took)
	}
}

func TestSocketOptions(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg)
	var p pair
	p.worker, p.dispatcher = connect(t, l, l.Addr().String(), cfg)
	here, _, there := openBulk(t, p, nil)
	for name, c := range map[string]struct {
		raw     net.Conn
		silence int
	}{
		"worker's control":     {p.worker.(*workerSession).control.raw, 30000},
		"dispatcher's control": {p.dispatcher.(*dispatcherSession).control.raw, 30000},
		"worker's bulk":        {here.(*bulk).raw, 0},
		"dispatcher's bulk":    {there.(*bulk).raw, 0},
	} {
		for option, want := range map[int]int{
			unix.TCP_USER_TIMEOUT: c.silence,
			unix.TCP_KEEPIDLE:     15,
			unix.TCP_KEEPINTVL:    5,
			unix.TCP_KEEPCNT:      3,
			unix.TCP_NODELAY:      1,
		} {
			if got := sockopt(t, c.raw, option); got != want {
				t.Errorf("%s: option %d is %d, want %d", name, option, got, want)
			}
		}
	}
}

func sockopt(t *testing.T, conn net.Conn, option int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestCutAtRecord ends the TCP stream, without TLS's close_notify, where
// crypto/tls would say io.EOF.
func TestCutAtRecord(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	l := listenTCP(t, listen(t), cfg)
	var p pair
	p.worker, p.dispatcher = connect(t, l, l.Addr().String(), cfg)
	here, _, there := openBulk(t, p, nil)
	if _, err := here.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	here.(*bulk).raw.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(there); string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v; want an error", got, err)
	}
}

// TestTLS holds the handshake to what the proof relies on: no connection takes
// secrets over from another.
func TestTLS(t *testing.T) {
	g := newGate(t, Config{})
	cache := tls.NewLRUClientSessionCache(1)
	for range 2 {
		config := clientTLS()
		config.ClientSessionCache, config.ServerName = cache, "octaskly"
		conn := tls.Client(g.dial(t), config)
		exporter, err := bind(conn)
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
