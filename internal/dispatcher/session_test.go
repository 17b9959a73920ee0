package dispatcher

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
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

// peer is a worker at the other end of a link.
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
	l.t.Cleanup(func() { listener.Close() })
	return l.greet(near, link)
}

// greet serves one end of a link, and says hello at the other.
func (l *live) greet(near, far transport.Session) *peer {
	l.t.Helper()
	served := make(chan struct{})
	go func() {
		defer close(served)
		l.d.serve(context.Background(), near)
	}()
	l.t.Cleanup(func() {
		far.Close()
		<-served
	})
	p := &peer{l.t, far, protocol.NewReader(far.Control()), protocol.NewWriter(far.Control())}
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
	m, err := p.next()
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) next() (*protocol.ToWorker, error) {
	m := new(protocol.ToWorker)
	p.link.Control().SetReadDeadline(time.Now().Add(time.Minute))
	return m, p.in.Read(m)
}

// wire is one end of a link that works in a bubble. It has no bulk channels.
type wire struct {
	deadLink
	end
}

type end struct{ net.Conn }

func (e end) Abort() { e.Close() }

func (w wire) Control() transport.Channel { return w.end }
func (w wire) Close() error               { return w.end.Close() }

func (w wire) AcceptBulk(ctx context.Context) ([]byte, transport.Channel, error) {
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

// connectHere is connect for a bubble.
func (l *live) connectHere() *peer {
	l.t.Helper()
	near, far := net.Pipe()
	return l.greet(wire{end: end{near}}, wire{end: end{far}})
}

// shortLease makes a heartbeat of 100 ms.
const shortLease = 600 * time.Millisecond

// A worker hears of its lease first, however long that takes, of each answer at once,
// and again with each ping. Whoever does not answer is away after three.
func TestLeaseIsTold(t *testing.T) {
	inBubble(t, func(l *live) {
		l.inCore(func(c *core) { c.Lease = shortLease })
		l.d.post(func(*core) { time.Sleep(joinTimeout - time.Millisecond) })
		p := l.connectHere()
		if m := p.hear(); m.Welcome == nil || m.Welcome.Lease != shortLease || m.Welcome.Heartbeat != 100*time.Millisecond {
			l.t.Fatalf("it hears first: %+v", m)
		}
		if m := p.hear(); m.Ping != 1 || m.Heard != 0 {
			l.t.Fatalf("behind the welcome comes %+v", m)
		}
		p.say(&protocol.FromWorker{Pong: 1})
		answered := time.Now()
		if m := p.hear(); m.Heard != 1 || m.Ping != 0 || time.Since(answered) > 0 {
			l.t.Fatalf("its answer is answered by %+v", m)
		}
		for n := uint64(2); n <= 4; n++ {
			if m := p.hear(); m.Ping != n || m.Heard != 1 {
				l.t.Errorf("ping %d is %+v", n, m)
			}
		}
		if m, err := p.next(); err == nil || time.Since(answered) != 300*time.Millisecond {
			l.t.Errorf("after %v without an answer: %+v, %v", time.Since(answered), m, err)
		}
		synctest.Wait()
		l.inCore(func(c *core) {
			if w := c.workers[workerID("w")]; w.session != nil || w.leaseEnd.Sub(answered) != shortLease {
				l.t.Errorf("connected: %v; its lease ends %v after its answer", w.session != nil, w.leaseEnd.Sub(answered))
			}
		})
	})
}

// Whoever says hello and nothing more is away after three heartbeats from its welcome,
// and where none comes, when a worker would wait for it no longer.
func TestSilenceAfterHello(t *testing.T) {
	for held, want := range map[time.Duration]time.Duration{
		0: 300 * time.Millisecond, 5 * time.Second: 5300 * time.Millisecond, time.Minute: joinTimeout,
	} {
		inBubble(t, func(l *live) {
			l.inCore(func(c *core) { c.Lease = shortLease })
			l.d.post(func(*core) { time.Sleep(held) })
			begin, p := time.Now(), l.connectHere()
			m, err := p.next()
			if welcomed := err == nil && m.Welcome != nil; welcomed != (held < joinTimeout) {
				l.t.Errorf("held up for %v: %+v, %v", held, m, err)
			}
			for err == nil && time.Since(begin) < 2*joinTimeout {
				_, err = p.next()
			}
			if took := time.Since(begin); took != want {
				l.t.Errorf("held up for %v: away after %v, want %v", held, took, want)
			}
		})
	}
}
