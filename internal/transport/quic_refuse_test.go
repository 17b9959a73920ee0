package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/octaskly/octaskly/internal/security"
)

// quicGate is a dispatcher's listener under attack.
type quicGate struct {
	l    *quicListener
	cfg  Config
	told chan error
}

func newQUICGate(t *testing.T, cfg Config) *quicGate {
	g := &quicGate{told: make(chan error, 100), cfg: cfg}
	g.cfg.Key = security.GenerateKey()
	g.cfg.Refused = func(_ string, why error) { g.told <- why }
	g.l = listenQUIC(t, g.cfg)
	return g
}

// shake does the handshake with these protocols, and nothing more.
func (g *quicGate) shake(t *testing.T, protocols ...string) (*quic.Conn, error) {
	t.Helper()
	config := clientTLS(Config{})
	config.NextProtos = protocols
	conn, err := quic.DialAddr(deadline(t), g.l.Addr().String(), config, &quic.Config{MaxIncomingStreams: -1, HandshakeIdleTimeout: patience, MaxIdleTimeout: time.Minute})
	if err == nil {
		t.Cleanup(func() { conn.CloseWithError(0, "") })
	}
	return conn, err
}

func (g *quicGate) mustShake(t *testing.T) (conn *quic.Conn, exporter []byte) {
	t.Helper()
	conn, err := g.shake(t, byKey)
	if err != nil {
		t.Fatal(err)
	}
	if exporter, err = security.Exporter(conn.ConnectionState().TLS); err != nil {
		t.Fatal(err)
	}
	return conn, exporter
}

func (g *quicGate) say(t *testing.T, conn *quic.Conn, text string) *quic.Stream {
	t.Helper()
	stream, err := conn.OpenStreamSync(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stream, text); err != nil {
		t.Fatal(err)
	}
	stream.SetReadDeadline(time.Now().Add(patience))
	return stream
}

// closed wants the gate to say no more than said and hang up, for this reason.
func (g *quicGate) closed(t *testing.T, conn *quic.Conn, stream *quic.Stream, why reason, said string) {
	t.Helper()
	got, err := io.ReadAll(stream)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it is still open: %v", err)
	}
	if string(got) != said {
		t.Errorf("it said %q, want %q", got, said)
	}
	g.wantTold(t, why)
	wait(t, conn.Context().Done())
	select {
	case s := <-g.l.accepted:
		t.Errorf("%s came in", s.Peer())
	default:
	}
}

func (g *quicGate) wantTold(t *testing.T, why reason) {
	t.Helper()
	if told := wait(t, g.told); !errors.Is(told, why) {
		t.Errorf("told %q, want %q", told, why)
	}
}

func TestQUICRefuseOpening(t *testing.T) {
	t.Parallel()
	edit := func(at int, to byte) string {
		b := opening{kind: kindControl}.bytes()
		b[at] = to
		return string(b)
	}
	for _, tt := range []struct {
		name, send string
		why        reason
		said       string
	}{
		{"HTTP", "GET / HTTP/1.1\r\nHost: octaskly\r\n\r\n", errForeign, ""},
		{"other version", edit(7, 9), errVersion, "\x03"},
		{"unknown kind", edit(8, 7), errOpening, ""},
		{"no proof", string(opening{kind: kindControl}.bytes()), errOtherKey, "\x02"},
		{"a bulk channel first", string(opening{kind: kindBulk, session: sessionID{1}}.bytes()), errOtherKey, "\x02"},
		{"half", string(opening{kind: kindControl}.bytes()[:30]), errSilent, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newQUICGate(t, Config{OpeningTimeout: timeoutFor(tt.why)})
			conn, _ := g.mustShake(t)
			g.closed(t, conn, g.say(t, conn, tt.send), tt.why, tt.said)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		g := newQUICGate(t, Config{OpeningTimeout: timeoutFor(errSilent)})
		conn, _ := g.mustShake(t)
		g.wantTold(t, errSilent)
		wait(t, conn.Context().Done())
	})
	t.Run("other ALPN", func(t *testing.T) {
		g := newQUICGate(t, Config{})
		if _, err := g.shake(t, "h3"); err == nil {
			t.Error("the handshake worked")
		}
		g.wantTold(t, errHandshake)
	})
}

func TestQUICRefuseProof(t *testing.T) {
	prove := func(g *quicGate, o opening, key security.Key, role security.Role, exporter []byte) string {
		o.proof = security.Prove(key, role, exporter)
		return string(o.bytes())
	}
	control := opening{kind: kindControl}
	t.Run("other key", func(t *testing.T) {
		g := newQUICGate(t, Config{})
		cfg := g.cfg
		cfg.Key = security.GenerateKey()
		if _, err := DialQUIC(t.Context(), g.l.Addr().String(), cfg); !errors.Is(err, ErrWrongKey) {
			t.Errorf("DialQUIC: %v", err)
		}
		g.wantTold(t, errOtherKey)
	})
	t.Run("of a dispatcher", func(t *testing.T) {
		g := newQUICGate(t, Config{})
		conn, exporter := g.mustShake(t)
		g.closed(t, conn, g.say(t, conn, prove(g, control, g.cfg.Key, security.Dispatcher, exporter)), errOtherKey, "\x02")
	})
	t.Run("of another connection", func(t *testing.T) {
		g := newQUICGate(t, Config{})
		_, exporter := g.mustShake(t)
		conn, _ := g.mustShake(t)
		g.closed(t, conn, g.say(t, conn, prove(g, control, g.cfg.Key, security.Worker, exporter)), errOtherKey, "\x02")
	})
	t.Run("a bulk channel first", func(t *testing.T) {
		g := newQUICGate(t, Config{})
		conn, exporter := g.mustShake(t)
		o := opening{kind: kindBulk, session: sessionID{1}}
		g.closed(t, conn, g.say(t, conn, prove(g, o, g.cfg.Key, security.Worker, exporter)), errOpening, "")
	})
}

// TestQUICSecondStream wants a peer to be thrown out that sends on further
// streams before it has shown that it knows the key: they cost memory.
func TestQUICSecondStream(t *testing.T) {
	g := newQUICGate(t, Config{OpeningTimeout: time.Minute})
	conn, _ := g.mustShake(t)
	g.say(t, conn, "octsk")
	g.say(t, conn, "and now this")
	g.wantTold(t, errOpening)
	wait(t, conn.Context().Done())
}

func TestQUICRefuseBulk(t *testing.T) {
	g := newQUICGate(t, Config{})
	worker, _ := connectQUIC(t, g.l, g.l.Addr().String(), g.cfg)
	s := worker.(*quicWorkerSession)
	open := func(id sessionID, key security.Key) (err error) {
		stream, err := s.conn.OpenStreamSync(deadline(t))
		if err != nil {
			return err
		}
		_, err = introduce(stream, Config{Key: key}.proofs(s.exporter), opening{kind: kindBulk, session: id})
		return err
	}
	if err := open(sessionID{1, 2, 3}, g.cfg.Key); !errors.Is(err, errNoSession) {
		t.Errorf("of a made-up session: %v", err)
	}
	g.wantTold(t, errStranger)
	if err := open(s.id, security.GenerateKey()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("without the key: %v", err)
	}
	g.wantTold(t, errOtherKey)
	transfer(t, worker.Control(), s.Control(), nil)
	if s.hasEnded() {
		t.Error("the session has ended")
	}
}

func TestQUICBulkLimit(t *testing.T) {
	key := security.GenerateKey()
	for name, limits := range map[string][2]int{"worker's": {2, 256}, "dispatcher's": {256, 2}} {
		t.Run(name, func(t *testing.T) {
			l := listenQUIC(t, Config{Key: key, MaxBulks: limits[1]})
			var p pair
			p.worker, p.dispatcher = connectQUIC(t, l, l.Addr().String(), Config{Key: key, MaxBulks: limits[0]})
			here, _, there := openBulk(t, p, nil)
			openBulk(t, p, nil)
			for range 3 * spareStreams { // refusals cost no stream for good
				if _, err := p.worker.OpenBulk(t.Context(), nil); !errors.Is(err, ErrTooManyBulks) {
					t.Fatalf("the third: %v", err)
				}
			}
			here.Close()
			there.Close()
			openBulk(t, p, nil)
		})
	}
}

// awaitWaiting waits until n connections have done their handshakes in the gate's
// eyes as well, which is later than in the client's.
func (g *quicGate) awaitWaiting(t *testing.T, n int) {
	t.Helper()
	l := g.l
	for end := time.Now().Add(patience); ; <-time.After(time.Millisecond) {
		l.mu.Lock()
		waiting, shaking := len(l.opening.waiting), l.shaking.total
		l.mu.Unlock()
		if waiting == n && shaking == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d are waiting and %d shaking hands, want %d and none", waiting, shaking, n)
		}
	}
}

// TestQUICCrowd wants those who do a handshake and say nothing to give way.
func TestQUICCrowd(t *testing.T) {
	g := newQUICGate(t, Config{MaxOpenings: 4, OpeningTimeout: time.Minute})
	first, _ := g.mustShake(t)
	g.awaitWaiting(t, 1)
	for n := range 3 {
		g.mustShake(t)
		g.awaitWaiting(t, n+2)
	}
	g.mustShake(t)
	g.wantTold(t, errCrowded)
	wait(t, first.Context().Done())
	worker, err := DialQUIC(deadline(t), g.l.Addr().String(), g.cfg)
	if err != nil {
		t.Fatal(err)
	}
	worker.Close()
}

func TestHandshakes(t *testing.T) {
	h := handshakes{max: 8, by: map[string]int{}}
	for i, want := range []bool{true, true, true, true, false, false} {
		if h.isCrowded() != (i >= 2) {
			t.Errorf("with %d of 8, crowded is %v", h.total, h.isCrowded())
		}
		if got := h.enter("a"); got != want {
			t.Errorf("handshake %d of one host: %v", i, got)
		}
	}
	for _, host := range []string{"b", "c", "d", "e"} {
		if !h.enter(host) {
			t.Errorf("%s finds no place", host)
		}
	}
	if h.enter("f") {
		t.Error("there are more than 8")
	}
	h.leave("b")
	if !h.enter("f") {
		t.Error("a place is not given on")
	}
	for _, host := range []string{"a", "a", "a", "a", "c", "d", "e", "f"} {
		h.leave(host)
	}
	if h.total != 0 || len(h.by) != 0 {
		t.Errorf("%d are left, %v", h.total, h.by)
	}
}

func TestDialNobody(t *testing.T) {
	cfg := Config{Key: security.GenerateKey()}
	gone := listenUDP(t)
	gone.Close()
	if _, err := DialQUIC(t.Context(), gone.LocalAddr().String(), cfg); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("with nobody there: %v", err)
	}
	cfg.OpeningTimeout = 2 * time.Second
	if _, err := DialQUIC(t.Context(), listenUDP(t).LocalAddr().String(), cfg); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("without an answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := DialQUIC(ctx, net.JoinHostPort("127.0.0.1", "1"), cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Where nobody listens, each try says the same, so that a log says it once.
func TestNobodyListens(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := conn.LocalAddr().String()
	conn.Close()
	var said string
	for range 20 {
		_, err := DialQUIC(t.Context(), address, Config{Key: security.GenerateKey()})
		if !errors.Is(err, syscall.ECONNREFUSED) || said != "" && err.Error() != said {
			t.Fatalf("%v, before that %s", err, said)
		}
		said = err.Error()
	}
}
