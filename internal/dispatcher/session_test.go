package dispatcher

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

func TestHeartbeat(t *testing.T) {
	for lease, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 100 * time.Millisecond, time.Second: time.Second / 6, 2 * time.Second: time.Second / 3,
		30 * time.Second: 5 * time.Second, 24 * time.Hour: 5 * time.Second,
	} {
		d := &Dispatcher{Config: Config{Lease: lease}}
		if got := d.heartbeat(); got != want {
			t.Errorf("with a lease of %v: %v, want %v", lease, got, want)
		}
	}
}

// peer is a worker at the other end of a real link.
type peer struct {
	t    testing.TB
	link transport.Session
	in   *protocol.Reader
	out  *protocol.Writer
}

// connect lets a worker in.
func (l *live) connect() *peer {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	l.check(err)
	listener := transport.ListenUnix(ln, transport.UnixConfig{Allowed: func(uint32) bool { return true }})
	link, err := transport.DialUnix(l.t.Context(), path)
	l.check(err)
	near, err := listener.Accept(l.t.Context())
	l.check(err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		l.d.serve(context.Background(), near)
	}()
	l.t.Cleanup(func() {
		link.Close()
		<-served
		listener.Close()
	})
	p := &peer{l.t, link, protocol.NewReader(link.Control()), protocol.NewWriter(link.Control())}
	p.say(&protocol.FromWorker{Hello: &protocol.Hello{Version: 1, Worker: workerID("w"), Name: "w", Slots: 1}})
	return p
}

func (p *peer) say(m *protocol.FromWorker) {
	p.t.Helper()
	if err := p.out.Write(m); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) hear() *protocol.ToWorker {
	p.t.Helper()
	m := new(protocol.ToWorker)
	p.link.Control().SetReadDeadline(time.Now().Add(time.Minute))
	if err := p.in.Read(m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// A worker hears of its lease first, of each answer at once, and again with each
// ping. Whoever does not answer is away after three.
func TestLeaseIsTold(t *testing.T) {
	l := goLive(t, packaged)
	l.inCore(func(c *core) { c.Lease = 600 * time.Millisecond })
	busy := make(chan struct{})
	l.d.post(func(*core) { <-busy })
	p := l.connect()
	<-time.After(250 * time.Millisecond) // for more than two heartbeats
	close(busy)
	if m := p.hear(); m.Welcome == nil || m.Welcome.Lease != 600*time.Millisecond || m.Welcome.Heartbeat != 100*time.Millisecond {
		t.Fatalf("it hears first: %+v", m)
	}
	if m := p.hear(); m.Ping != 1 || m.Heard != 0 {
		t.Fatalf("behind the welcome comes %+v", m)
	}
	p.say(&protocol.FromWorker{Pong: 1})
	m := p.hear()
	if m.Heard != 1 || m.Ping > 2 {
		t.Fatalf("its answer is answered by %+v", m)
	}
	for m.Ping == 0 {
		m = p.hear()
	}
	if m.Ping != 2 || m.Heard != 1 {
		t.Errorf("the next ping is %+v", m)
	}
	for n := uint64(3); n <= 5; n++ {
		m := new(protocol.ToWorker)
		p.link.Control().SetReadDeadline(time.Now().Add(time.Minute))
		if p.in.Read(m) != nil {
			return // given up, by then or sooner
		}
		if m.Ping != n {
			t.Errorf("ping %d is %+v", n, m)
		}
	}
	if p.in.Read(new(protocol.ToWorker)) == nil {
		t.Error("it is pinged on without an answer")
	}
}
