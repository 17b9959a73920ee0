package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/security"
)

// TestOpeningTimeoutPasses wants the deadline of the opening not to stay on
// what was opened.
func TestOpeningTimeoutPasses(t *testing.T) {
	t.Parallel()
	cfg := Config{Key: security.GenerateKey(), OpeningTimeout: patience / 2}
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
	worker, dispatcher := connect(t, l, l.Addr().String(), cfg)
	raw := worker.(*workerSession).control.raw
	raw.(*net.TCPConn).SetWriteBuffer(4096)
	dispatcher.(*dispatcherSession).control.raw.(*net.TCPConn).SetReadBuffer(4096)
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
	if took := time.Since(begin); took >= lastWord { // as long as TLS alone would wait
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
