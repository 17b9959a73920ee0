package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// twoSeconds of lease have a worker stop --at-most-one a second after its link has broken,
// by KILL half a second later, and the dispatcher give it up after three.
var twoSeconds = cluster.Options{DispatcherFlags: []string{"--limits-lease", "2s"}}

// ledger is a file that attempts write to for as long as they live, each its
// number and the seconds since boot (proc_uptime(5)). What is appended has one
// order, whoever does it.
type ledger struct{ path, done string }

func newLedger(t *testing.T) *ledger {
	t.Helper()
	dir, err := os.MkdirTemp("", "octaskly-ledger-")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	l := &ledger{filepath.Join(dir, "beats"), filepath.Join(dir, "done")}
	check(t, os.WriteFile(l.path, nil, 0o666))
	check(t, os.Chmod(l.path, 0o666))
	return l
}

// command lives until finish. TERM does not end it.
func (l *ledger) command() []string {
	const script = `trap "" TERM; exec 3>>%s; while [ ! -e %s ]; do read up rest < /proc/uptime; echo $OCTASKLY_ATTEMPT $up >&3; sleep 0.02; done; exit 3`
	return []string{"--", "sh", "-c", fmt.Sprintf(script, l.path, l.done)}
}

func (l *ledger) finish(t *testing.T) {
	t.Helper()
	check(t, os.WriteFile(l.done, nil, 0o644))
}

// beat is one line.
type beat struct {
	attempt int
	at      float64
}

func (l *ledger) beats(t *testing.T) (list []beat) {
	t.Helper()
	text, err := os.ReadFile(l.path)
	check(t, err)
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range strings.Lines(string(text)) {
		var b beat
		if _, err := fmt.Sscan(line, &b.attempt, &b.at); err != nil {
			t.Fatalf("the ledger has a line %q: %v", line, err)
		}
		list = append(list, b)
	}
	return list
}

// await waits until an attempt lives.
func (l *ledger) await(t *testing.T, attempt int) {
	t.Helper()
	awaitSuccess(t, func() bool {
		beats := l.beats(t)
		return len(beats) > 0 && beats[len(beats)-1].attempt == attempt
	})
}

// awaitQuiet waits until nobody lives, which shows when nobody has written for a
// second.
func (l *ledger) awaitQuiet(t *testing.T) {
	t.Helper()
	awaitSuccess(t, func() bool {
		beats := l.beats(t)
		return uptime(t)-beats[len(beats)-1].at > 1
	})
}

func uptime(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	check(t, err)
	seconds, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	check(t, err)
	return seconds
}

// now is the attempt that was the last to show that it lives.
func (l *ledger) now(t *testing.T) int {
	t.Helper()
	beats := l.beats(t)
	return beats[len(beats)-1].attempt
}

// awaitAfter waits until a later attempt lives.
func (l *ledger) awaitAfter(t *testing.T, attempt int) {
	t.Helper()
	awaitSuccess(t, func() bool { return l.now(t) > attempt })
}

// audit wants attempts to have lived one after the other, as many as there were: on a
// slow machine one more may end by its lease than the test is about.
func (l *ledger) audit(t *testing.T, attempts int) {
	t.Helper()
	beats := l.beats(t)
	lived := map[int]bool{beats[0].attempt: true}
	for i, b := range beats[1:] {
		before := beats[i]
		if b.attempt == before.attempt {
			continue
		}
		if lived[b.attempt] {
			t.Errorf("attempts %d and %d live at the same time, %.2f s after boot", b.attempt, before.attempt, b.at)
		}
		lived[b.attempt] = true
		t.Logf("attempt %d begins %.2f s after attempt %d was last seen", b.attempt, b.at-before.at, before.attempt)
	}
	if len(lived) != attempts {
		t.Errorf("%d attempts have lived, want %d", len(lived), attempts)
	}
}

// However a worker gets out of touch, its executor has killed what may run only
// once before another worker starts it.
func TestAtMostOne(t *testing.T) {
	for name, part := range map[string]struct {
		cut, mend func(*testing.T, *cluster.Daemon, *cluster.Proxy)
	}{
		"worker stopped": {
			func(t *testing.T, w *cluster.Daemon, _ *cluster.Proxy) { check(t, w.Signal(stopSignal)) },
			func(t *testing.T, w *cluster.Daemon, _ *cluster.Proxy) { check(t, w.Signal(contSignal)) },
		},
		"worker killed": {
			func(t *testing.T, w *cluster.Daemon, _ *cluster.Proxy) { check(t, w.Kill()) },
			func(t *testing.T, w *cluster.Daemon, _ *cluster.Proxy) { start(t, w) },
		},
		"link cut": {
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Cut() },
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Heal() },
		},
		"link half open": {
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Stall() },
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Heal() },
		},
		"link mute": { // the worker is asked and answers
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Set(cluster.Weather{Mute: true}) },
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Heal() },
		},
		"link deaf": {
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Set(cluster.Weather{Deaf: true}) },
			func(_ *testing.T, _ *cluster.Daemon, p *cluster.Proxy) { p.Heal() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, first, proxy := apartBehindProxy(t)
			call := reserve(t, c)
			l := newLedger(t)
			id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
			l.await(t, 1)
			n := l.now(t)
			part.cut(t, first, proxy)
			call()
			l.awaitAfter(t, n)
			part.mend(t, first, proxy)
			d := awaitTask(t, c, id, func(d api.Detail) bool { return d.Attempts[n-1].Late != nil })
			if cut := d.Attempts[n-1]; cut.Reason != octaskly.ReasonWorkerLost || cut.Late.Reason != octaskly.ReasonLease {
				t.Errorf("attempt %d is %+v, late %+v", n, cut, cut.Late)
			}
			l.finish(t)
			expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
			l.audit(t, len(show(t, c, id).Attempts))
		})
	}
}

// reserve starts w2, which takes nothing until it is called.
func reserve(t *testing.T, c *cluster.Cluster) (call func()) {
	t.Helper()
	start(t, c.Worker("w2"))
	must(t, c, "worker", "drain", "w2")
	return func() {
		t.Helper()
		must(t, c, "worker", "resume", "w2")
	}
}

// apartBehindProxy starts a dispatcher with a short lease, and w1 with its executor
// apart.
func apartBehindProxy(t *testing.T) (*cluster.Cluster, *cluster.Daemon, *cluster.Proxy) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("an executor apart runs commands as another user, which takes root")
	}
	c := cluster.Open(t, twoSeconds)
	start(t, c.Dispatcher)
	proxy, err := c.Proxy("w1")
	check(t, err)
	worker, executor := c.Apart("w1")
	start(t, executor)
	start(t, worker)
	return c, worker, proxy
}

// While the dispatcher is away nobody runs what may run only once. It runs again
// when it is back, and that counts against nobody.
func TestAtMostOneWithoutDispatcher(t *testing.T) {
	c := cluster.Start(t, twoSeconds)
	l := newLedger(t)
	id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
	l.await(t, 1)
	awaitRunning(t, c, id)
	n := l.now(t)
	check(t, c.Dispatcher.Kill())
	l.awaitQuiet(t)
	start(t, c.Dispatcher)
	l.awaitAfter(t, n)
	l.finish(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	d := show(t, c, id)
	l.audit(t, len(d.Attempts))
	if cut := d.Attempts[n-1]; cut.State != octaskly.Cancelled || cut.Reason != octaskly.ReasonLease || cut.Detail == "" {
		t.Errorf("its attempts are %+v", d.Attempts)
	}
}

// A dispatcher that is back within half a lease finds it running.
func TestAtMostOneUnderDispatcherRestart(t *testing.T) {
	c := cluster.Start(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "20s"}})
	l := newLedger(t)
	id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
	l.await(t, 1)
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	awaitSuccess(t, func() bool { return strings.Contains(must(t, c, "worker", "show", "w1"), "connected") })
	l.finish(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	l.audit(t, 1)
}

// Without --at-most-one the same cut ends nothing: the result counts when the
// worker is back with it.
func TestCutWithoutAtMostOne(t *testing.T) {
	c, _, proxy := apartBehindProxy(t)
	l := newLedger(t)
	id := submit(t, c, l.command()...)
	l.await(t, 1)
	proxy.Cut()
	awaitSuccess(t, func() bool { return strings.Contains(must(t, c, "worker", "show", "w1"), "lost") })
	l.finish(t)
	l.awaitQuiet(t)
	proxy.Heal()
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	l.audit(t, 1)
	if d := show(t, c, id); len(d.Attempts) != 1 || d.Attempts[0].Reason != "exit:3" {
		t.Errorf("its attempts are %+v", d.Attempts)
	}
}

// An executor executes itself anew while its worker is gone, and keeps the
// deadline.
func TestAtMostOneUnderHangup(t *testing.T) {
	c, worker, _ := apartBehindProxy(t)
	call := reserve(t, c)
	l := newLedger(t)
	id := submit(t, c, append([]string{"--at-most-one"}, l.command()...)...)
	l.await(t, 1)
	n := l.now(t)
	check(t, worker.Signal(stopSignal))
	check(t, c.Workers[1].Reload(timeout(t))) // w1-x
	call()
	l.awaitAfter(t, n)
	check(t, worker.Signal(contSignal))
	l.finish(t)
	expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
	l.audit(t, len(show(t, c, id).Attempts))
}
