package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/security"
)

// gate is a dispatcher's listener under attack.
type gate struct {
	l    Listener
	cfg  Config
	addr string
	told chan error
}

func newGate(t *testing.T, cfg Config) *gate {
	g := &gate{told: make(chan error, 100), cfg: cfg}
	g.cfg.Key = security.GenerateKey()
	g.cfg.Refused = func(_ string, why error) { g.told <- why }
	g.l = listenTCP(t, listen(t), g.cfg)
	g.addr = g.l.Addr().String()
	return g
}

// dial connects without TLS.
func (g *gate) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// shake connects and does the TLS handshake with these protocols.
func (g *gate) shake(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	config := clientTLS(Config{})
	config.NextProtos = protocols
	conn := tls.Client(g.dial(t), config)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

// open sends an opening, with a good proof if it has none.
func (g *gate) open(t *testing.T, o opening, key security.Key, role security.Role) *tls.Conn {
	t.Helper()
	conn := g.shake(t, byKey)
	exporter, err := security.Exporter(conn.ConnectionState())
	if err != nil {
		t.Fatal(err)
	}
	o.proof = security.Prove(key, role, exporter)
	if _, err := conn.Write(o.bytes()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// closed wants the gate to say no more than said and hang up, for this reason,
// and nobody to have come in.
func (g *gate) closed(t *testing.T, conn net.Conn, why reason, said string) {
	t.Helper()
	got, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("it is still open: %v", err)
	}
	if string(got) != said {
		t.Errorf("it said %q, want %q", got, said)
	}
	if told := wait(t, g.told); !errors.Is(told, why) {
		t.Errorf("told %q, want %q", told, why)
	}
	select {
	case s := <-g.l.(*tcpListener).accepted:
		t.Errorf("%s came in", s.Peer())
	default:
	}
}

// timeoutFor is short where it is waited for, and leaves time for a handshake
// on a busy machine.
func timeoutFor(why reason) time.Duration {
	if why == errSilent {
		return patience / 2
	}
	return patience
}

func TestRefusePlain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, send string
		why        reason
		hangUp     bool
	}{
		{"HTTP", "GET / HTTP/1.1\r\nHost: octaskly\r\n\r\n", errNotTLS, false},
		{"garbage", strings.Repeat("\xff\x00", 1000), errNotTLS, false},
		{"TLS garbage", "\x16\x03\x01\x00\x04\x01\x00\x00\x00", errHandshake, false},
		{"our opening", string(opening{kind: kindControl}.bytes()), errNotTLS, false},
		{"nothing", "", errSilent, false},
		{"half a hello", "\x16\x03\x01\x02\x00\x01", errSilent, false},
		{"a port scan", "", errHungUp, true},
		{"half and gone", "\x16\x03\x01\x02\x00\x01", errHungUp, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, Config{OpeningTimeout: timeoutFor(tt.why)})
			conn := g.dial(t)
			io.WriteString(conn, tt.send)
			if tt.hangUp {
				conn.(*net.TCPConn).CloseWrite()
			}
			got, _ := io.ReadAll(conn)
			if len(got) > 0 && got[0] != 21 { // a TLS alert
				t.Errorf("it said %q", got)
			}
			g.closed(t, conn, tt.why, "")
		})
	}
}

func TestRefuseTLS(t *testing.T) {
	g := newGate(t, Config{})
	t.Run("other ALPN", func(t *testing.T) {
		config := clientTLS(Config{})
		config.NextProtos = []string{"h2", "http/1.1"}
		conn := tls.Client(g.dial(t), config)
		if err := conn.Handshake(); err == nil {
			t.Error("the handshake worked")
		}
		g.closed(t, conn.NetConn(), errHandshake, "")
	})
	t.Run("no ALPN", func(t *testing.T) {
		g.closed(t, g.shake(t), errForeign, "")
	})
	t.Run("TLS 1.2", func(t *testing.T) {
		g := newGate(t, Config{})
		config := clientTLS(Config{})
		config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		conn := tls.Client(g.dial(t), config)
		if err := conn.Handshake(); err == nil {
			t.Error("the handshake worked")
		}
		g.closed(t, conn.NetConn(), errHandshake, "")
	})
}

func TestRefuseOpening(t *testing.T) {
	t.Parallel()
	edit := func(at int, to byte) string {
		b := opening{kind: kindControl}.bytes()
		b[at] = to
		return string(b)
	}
	tests := []struct {
		name, send string
		why        reason
		said       string
	}{
		{"HTTP", "GET / HTTP/1.1\r\nHost: octaskly\r\n\r\n", errForeign, ""},
		{"other version", edit(7, 9), errVersion, "\x03"},
		{"unknown kind", edit(8, 7), errOpening, ""},
		{"no proof", string(opening{kind: kindControl}.bytes()), errOtherKey, "\x02"},
		{"half", string(opening{kind: kindControl}.bytes()[:30]), errSilent, ""},
		{"nothing", "", errSilent, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, Config{OpeningTimeout: timeoutFor(tt.why)})
			conn := g.shake(t, byKey)
			io.WriteString(conn, tt.send)
			g.closed(t, conn, tt.why, tt.said)
		})
	}
}

func TestRefuseProof(t *testing.T) {
	g := newGate(t, Config{})
	other := security.GenerateKey()
	control := opening{kind: kindControl}
	t.Run("other key", func(t *testing.T) {
		g.closed(t, g.open(t, control, other, security.Worker), errOtherKey, "\x02")
	})
	t.Run("of a dispatcher", func(t *testing.T) {
		g := newGate(t, Config{})
		g.closed(t, g.open(t, control, g.cfg.Key, security.Dispatcher), errOtherKey, "\x02")
	})
	t.Run("of another connection", func(t *testing.T) {
		g := newGate(t, Config{})
		exporter, err := security.Exporter(g.shake(t, byKey).ConnectionState())
		if err != nil {
			t.Fatal(err)
		}
		replayed := opening{kind: kindControl, proof: security.Prove(g.cfg.Key, security.Worker, exporter)}
		conn := g.shake(t, byKey)
		conn.Write(replayed.bytes())
		g.closed(t, conn, errOtherKey, "\x02")
	})
	t.Run("header too long", func(t *testing.T) {
		g.closed(t, g.open(t, opening{kind: kindBulk, header: MaxHeader + 1}, g.cfg.Key, security.Worker), errOpening, "")
	})
	t.Run("DialTCP", func(t *testing.T) {
		cfg := g.cfg
		cfg.Key = other
		if _, err := DialTCP(t.Context(), g.addr, cfg); !errors.Is(err, ErrWrongKey) {
			t.Errorf("DialTCP: %v", err)
		}
	})
}

func TestRefuseBulk(t *testing.T) {
	t.Parallel()
	g := newGate(t, Config{})
	worker, dispatcher := connect(t, g.l, g.addr, g.cfg)
	s := worker.(*workerSession)
	t.Run("of a made-up session", func(t *testing.T) {
		o := opening{kind: kindBulk, session: sessionID{1, 2, 3}}
		g.closed(t, g.open(t, o, g.cfg.Key, security.Worker), errStranger, "\x04")
	})
	t.Run("without the key", func(t *testing.T) {
		o := opening{kind: kindBulk, session: s.id}
		g.closed(t, g.open(t, o, security.GenerateKey(), security.Worker), errOtherKey, "\x02")
	})
	t.Run("without its header", func(t *testing.T) {
		t.Parallel()
		g := newGate(t, Config{OpeningTimeout: timeoutFor(errSilent)})
		worker, _ := connect(t, g.l, g.addr, g.cfg)
		o := opening{kind: kindBulk, session: worker.(*workerSession).id, header: 5}
		conn := g.open(t, o, g.cfg.Key, security.Worker)
		if _, err := readAnswer(conn, kindBulk); err != nil {
			t.Fatal(err)
		}
		g.closed(t, conn, errSilent, "")
	})
	t.Run("of a closed session", func(t *testing.T) {
		dispatcher.Close()
		o := opening{kind: kindBulk, session: s.id}
		conn := g.open(t, o, g.cfg.Key, security.Worker)
		if _, err := readAnswer(conn, kindBulk); !errors.Is(err, errNoSession) {
			t.Errorf("%v", err)
		}
		if _, err := worker.OpenBulk(t.Context(), nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("OpenBulk: %v", err)
		}
	})
}

// TestOnce wants one line in the log for a host that tries again and again.
func TestOnce(t *testing.T) {
	g := newGate(t, Config{})
	cfg := g.cfg
	cfg.Key = security.GenerateKey()
	for range 5 {
		if _, err := DialTCP(t.Context(), g.addr, cfg); !errors.Is(err, ErrWrongKey) {
			t.Fatal(err)
		}
	}
	wait(t, g.told)
	g.l.Close()
	if len(g.told) != 0 {
		t.Errorf("told %d times", 1+len(g.told))
	}
}

// TestCrowd wants those who open connections and say nothing to give way.
func TestCrowd(t *testing.T) {
	g := newGate(t, Config{MaxOpenings: 4, OpeningTimeout: time.Minute})
	first := g.dial(t)
	for range 4 {
		g.dial(t)
	}
	g.closed(t, first, errCrowded, "")
	worker, err := DialTCP(deadline(t), g.addr, g.cfg)
	if err != nil {
		t.Fatal(err)
	}
	worker.Close()
}

// TestManInTheMiddle puts one who has no key, but a certificate as good as any,
// between a worker and its dispatcher.
func TestManInTheMiddle(t *testing.T) {
	g := newGate(t, Config{})
	certificates, err := serverTLS(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(listen(t), certificates)
	var middle sync.WaitGroup
	defer middle.Wait()
	middle.Go(func() {
		in, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		out, err := tls.Dial("tcp", g.addr, clientTLS(Config{}))
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		middle.Go(func() { pipe(out, in) })
		pipe(in, out)
	})
	worker, err := DialTCP(t.Context(), ln.Addr().String(), g.cfg)
	if !errors.Is(err, ErrWrongKey) {
		t.Errorf("DialTCP: %v, %v", worker, err)
	}
	if why := wait(t, g.told); !errors.Is(why, errOtherKey) {
		t.Errorf("told %v", why)
	}
}
