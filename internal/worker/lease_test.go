package worker

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/protocol"
)

// The executor hears when the lease began that it has: not later than it said
// what the dispatcher has heard, however it got there.
func TestLease(t *testing.T) { eachWay(t, testLease) }

func testLease(t *testing.T, r *rig) {
	r.accept()
	between(t, r, "a welcome", r.born, executor.Now(), func() {
		r.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Version: 1, Generation: "g1", Heartbeat: time.Minute, Lease: 30 * time.Second}})
		if r.relayed {
			r.expect("call w1")
		}
	})
	sent, come := map[uint64]executor.Moment{}, map[uint64]executor.Moment{}
	for n := uint64(1); n <= 4; n++ {
		sent[n] = executor.Now()
		r.send(&protocol.ToWorker{Ping: n})
		if m := r.read(); m.Pong != n {
			t.Fatalf("the answer to ping %d: %+v", n, m)
		}
		come[n] = executor.Now()
	}
	between(t, r, "a pong", sent[3], come[3], func() {
		r.send(&protocol.ToWorker{Heard: 5}) // which there is not
		r.send(&protocol.ToWorker{Heard: 3})
	})
	between(t, r, "the next", sent[4], come[4], func() {
		r.send(&protocol.ToWorker{Heard: 2}) // known
		r.send(&protocol.ToWorker{Heard: 4, Ping: 5})
	})
	r.read() // so all of it is handled
	select {
	case more := <-r.x.told:
		t.Errorf("the executor hears also %q", more)
	default:
	}
}

// between wants what say does to renew the lease from a moment within bounds.
func between(t *testing.T, r *rig, what string, earliest, latest executor.Moment, say func()) {
	t.Helper()
	say()
	r.expect("renew 30s")
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if at := r.x.renewed; at < earliest || at > latest {
		t.Errorf("%s renews the lease as of %d, want from %d to %d", what, at, earliest, latest)
	}
}

// Of a dispatcher that tells no lease the executor hears that there is none.
func TestNoLease(t *testing.T) { eachWay(t, testNoLease) }

func testNoLease(t *testing.T, r *rig) {
	r.accept()
	r.welcome("g1")
	r.send(&protocol.ToWorker{Ping: 1})
	r.read()
	r.send(&protocol.ToWorker{Ping: 2, Heard: 1})
	r.read()
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.x.renewed == 0 {
		t.Error("it hears nothing")
	}
}

// What is never heard does not pile up.
func TestPongsAreBounded(t *testing.T) {
	var l lease
	x := newFakeExecutor()
	l.begin(x, 1, time.Second)
	for n := range uint64(1000) {
		l.sending(n)
	}
	if len(l.pongs) != maxPongs || cap(l.pongs) > 2*maxPongs {
		t.Errorf("%d pongs are kept", len(l.pongs))
	}
	l.heard(1) // forgotten
	l.heard(999)
	if len(l.pongs) != 0 || len(x.told) != 2 {
		t.Errorf("%d pongs are kept, the executor was told %d times", len(l.pongs), len(x.told))
	}
}

func TestSilence(t *testing.T) {
	for heartbeat, want := range map[time.Duration]time.Duration{
		-1: 300 * time.Millisecond, 0: 300 * time.Millisecond, 333 * time.Millisecond: 999 * time.Millisecond,
		5 * time.Second: 15 * time.Second, time.Hour: 3 * time.Minute,
	} {
		if got := silence(heartbeat); got != want {
			t.Errorf("with a heartbeat of %v: %v, want %v", heartbeat, got, want)
		}
	}
}
