package test

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

var byQUIC = []string{"--transport", "quic"}

// A worker that uses QUIC does all that others do, and so does what it runs when
// either side is killed.
func TestQUIC(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (*cluster.Cluster, *cluster.Daemon){
		"one process": func(t *testing.T) (*cluster.Cluster, *cluster.Daemon) {
			c := cluster.Open(t, cluster.Options{})
			return c, c.Worker("w1", byQUIC...)
		},
		"executor apart": func(t *testing.T) (*cluster.Cluster, *cluster.Daemon) {
			if os.Geteuid() != 0 {
				t.Skip("an executor apart runs commands as another user, which takes root")
			}
			c := cluster.Open(t, cluster.Options{})
			w, x := c.Apart("w1")
			start(t, x)
			return c, c.Again(w, byQUIC...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, w := open(t)
			start(t, c.Dispatcher)
			start(t, w)
			streamsAndSurvives(t, c, w)
		})
	}
}

func streamsAndSurvives(t *testing.T, c *cluster.Cluster, w *cluster.Daemon) {
	r := c.Ctl(timeout(t), "run", "--", "sh", "-c", "seq 400000; echo done >&2; exit 3")
	if r.Code != 3 || r.Stderr != "done\n" || strings.Count(r.Stdout, "\n") != 400000 || !strings.HasSuffix(r.Stdout, "\n400000\n") {
		t.Errorf("exit code %d, %d bytes, %q", r.Code, len(r.Stdout), r.Stderr)
	}
	g := newOpenGate(t)
	running := submit(t, c, g.command("echo through; exit 4")...)
	g.await(t)
	awaitRunning(t, c, running)
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	g.pass(t)
	if d := awaitTask(t, c, running, func(d api.Detail) bool { return d.State == octaskly.Failed }); d.Reason != "exit:4" || len(d.Attempts) != 1 {
		t.Errorf("%s after %d attempts", d.Reason, len(d.Attempts))
	}
	check(t, w.Kill())
	start(t, w)
	expect(t, c.Ctl(timeout(t), "run", "echo", "again"), 0, "again\n", "")
}

// silentUDP is a UDP port on which nobody answers, as behind a firewall, and where
// by TCP nobody is.
func silentUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Where UDP is taken or does not get through, the dispatcher and workers that may
// use TCP go on with that; the others say why they cannot.
func TestQUICBlocked(t *testing.T) {
	taken := silentUDP(t)
	c := cluster.Open(t, cluster.Options{DispatcherFlags: []string{"--listen", taken.LocalAddr().String()}})
	start(t, c.Dispatcher)
	awaitLog(t, c.Dispatcher, "Workers cannot use QUIC")
	start(t, c.Worker("w1"))
	expect(t, c.Ctl(timeout(t), "run", "echo", "by TCP"), 0, "by TCP\n", "")
	w2 := c.Worker("w2", byQUIC...)
	check(t, w2.Launch())
	awaitLog(t, w2, "nothing comes back by UDP")
}

func TestQUICOff(t *testing.T) {
	c := cluster.Open(t, cluster.Options{DispatcherFlags: []string{"--quic=false"}})
	start(t, c.Dispatcher)
	w := c.Worker("w1", byQUIC...)
	check(t, w.Launch())
	awaitLog(t, w, "connection refused")
	start(t, c.Worker("w2", "--transport", "tcp"))
	expect(t, c.Ctl(timeout(t), "run", "echo", "by TCP"), 0, "by TCP\n", "")
}

// router carries the packets of one worker, and can give it another address.
type router struct {
	inside  *net.UDPConn
	to      net.Addr
	copying sync.WaitGroup

	mu      sync.Mutex
	outside *net.UDPConn
	worker  net.Addr
}

func newRouter(t *testing.T, to string) *router {
	addr, err := net.ResolveUDPAddr("udp4", to)
	check(t, err)
	r := &router{inside: silentUDP(t), to: addr}
	r.move(t)
	r.copying.Go(func() { r.carry(r.inside, r.out) })
	t.Cleanup(func() {
		r.inside.Close()
		r.mu.Lock()
		r.outside.Close()
		r.mu.Unlock()
		r.copying.Wait()
	})
	return r
}

func (r *router) addr() string { return r.inside.LocalAddr().String() }

func (r *router) move(t *testing.T) {
	next := silentUDP(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outside != nil {
		r.outside.Close()
	}
	r.outside = next
	r.copying.Go(func() { r.carry(next, r.in) })
}

func (r *router) carry(from *net.UDPConn, pass func([]byte, net.Addr)) {
	buf := make([]byte, 1<<16)
	for {
		n, by, err := from.ReadFrom(buf)
		if err != nil {
			return
		}
		pass(buf[:n], by)
	}
}

func (r *router) out(b []byte, by net.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.worker = by
	r.outside.WriteTo(b, r.to)
}

func (r *router) in(b []byte, _ net.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.worker != nil {
		r.inside.WriteTo(b, r.worker)
	}
}

// A worker that may use both and finds nobody by TCP uses QUIC, and goes on when its
// address changes: what it runs, and who follows that, do not notice.
func TestQUICMoves(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	r := newRouter(t, c.Address())
	w := c.Worker("w1", "--dispatcher", r.addr())
	start(t, w)
	began := page(t, c, "w1")
	g := newOpenGate(t)
	task := submit(t, c, g.command("seq 200000; exit 5")...)
	g.await(t)
	awaitRunning(t, c, task)
	for range 3 {
		r.move(t)
		expect(t, c.Ctl(timeout(t), "run", "echo", "elsewhere"), 0, "elsewhere\n", "")
	}
	g.pass(t)
	d := awaitTask(t, c, task, func(d api.Detail) bool { return d.State == octaskly.Failed })
	if d.Reason != "exit:5" || len(d.Attempts) != 1 {
		t.Errorf("%s after %d attempts", d.Reason, len(d.Attempts))
	}
	if out := must(t, c, "logs", task); !strings.HasSuffix(out, "\n200000\n") {
		t.Errorf("%d bytes of output", len(out))
	}
	if n := strings.Count(c.Dispatcher.Logs(), "Worker has joined"); n != 1 {
		t.Errorf("the worker has joined %d times", n)
	}
	if now := page(t, c, "w1"); now.State != "connected" || began.Transport != "quic" || now.Transport != "quic" {
		t.Errorf("%s by %s, before that by %s", now.State, now.Transport, began.Transport)
	}
}

// Garbage and handshakes that never end on the workers' port cost the dispatcher
// little memory, and nobody its service.
func TestQUICFlood(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	start(t, c.Worker("w1", byQUIC...))
	conn, err := net.Dial("udp4", c.Address())
	check(t, err)
	defer conn.Close()
	before := rss(t, c.Dispatcher.PID())
	for i := range 60_000 {
		conn.Write(flotsam(i))
		if i%20_000 == 0 {
			want := fmt.Sprint(i, "\n")
			expect(t, c.Ctl(timeout(t), "run", "echo", fmt.Sprint(i)), 0, want, "")
		}
	}
	start(t, c.Worker("w2", byQUIC...))
	if grown := rss(t, c.Dispatcher.PID()) - before; grown > 64<<20 {
		t.Errorf("the dispatcher has grown by %d MiB", grown>>20)
	}
}

// flotsam is garbage, or the first packet of a handshake that goes no further.
func flotsam(i int) []byte {
	b := make([]byte, 1200)
	rand.Read(b)
	if i%2 == 0 {
		copy(b, []byte{0xc3, 0, 0, 0, 1, 8})
		copy(b[14:], []byte{0, 0, 0x44, 0x9e})
	}
	return b
}
