package transport

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUnix(t *testing.T) {
	testConformance(t, func(t *testing.T, _ time.Duration) pair {
		l, path := listenUnix(t, UnixConfig{})
		executor, relay := connectUnix(t, l, path)
		return pair{executor, relay, func() { die(executor) }}
	})
}

// die lets the kernel end a session's connections, as it does for a process
// that is killed.
func die(s *executorSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.bulks {
		shutdown(b.conn)
	}
	shutdown(s.carrier)
	shutdown(s.control.conn)
}

func shutdown(conn *net.UnixConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

func anybody(uint32) bool { return true }

func unixSocket(t testing.TB) (ln *net.UnixListener, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, path
}

// listenUnix allows anybody unless cfg says whom.
func listenUnix(t testing.TB, cfg UnixConfig) (l *UnixListener, path string) {
	t.Helper()
	if cfg.Allowed == nil {
		cfg.Allowed = anybody
	}
	ln, path := unixSocket(t)
	l = ListenUnix(ln, cfg)
	t.Cleanup(func() { l.Close() })
	return l, path
}

func connectUnix(t testing.TB, l *UnixListener, path string) (*executorSession, *relaySession) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	relay, err := DialUnix(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	executor, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return executor.(*executorSession), relay.(*relaySession)
}

func pairUnix(t *testing.T, cfg UnixConfig) (pair, *executorSession, *relaySession) {
	t.Helper()
	l, path := listenUnix(t, cfg)
	executor, relay := connectUnix(t, l, path)
	return pair{worker: executor, dispatcher: relay}, executor, relay
}

// descriptors counts the open ones of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
