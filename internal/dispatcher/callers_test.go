package dispatcher

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// keeper knows tokens that begin with a role, and keeps what it is told to write.
type keeper struct {
	busy chan struct{} // it does not answer before that is closed

	mu   sync.Mutex
	rows []octaskly.Action
}

func (k *keeper) Authenticate(_ context.Context, token string) (*api.Identity, error) {
	if k.busy != nil {
		<-k.busy
	}
	role, known := strings.CutPrefix(token, "good-")
	if !known {
		return nil, fmt.Errorf("cannot know you: %w", octaskly.ErrUnknown)
	}
	return &api.Identity{User: "ann", Role: octaskly.Role(role), Token: "t1"}, nil
}

func (k *keeper) Record(_ context.Context, a *octaskly.Action) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = append(k.rows, *a)
	return nil
}

func (k *keeper) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = nil
}

// wait is the next answer about a caller.
func (p *peer) wait() protocol.Identity {
	p.t.Helper()
	for {
		if m := p.hear(); len(m.Callers) > 0 {
			return m.Callers[0]
		}
	}
}

// A worker is told who calls; who is refused stands in the audit log by then.
func TestCallersOfWorkers(t *testing.T) {
	k := &keeper{}
	l := goLive(t, packaged, func(d *Dispatcher) { d.Callers = k })
	p := l.connect()
	if m := p.hear(); m.Welcome == nil || !m.Welcome.Callers {
		t.Fatalf("the welcome is %+v", m)
	}
	for _, test := range []struct {
		token   string
		want    protocol.Identity
		outcome string // of the row; empty: there is none
	}{
		{"good-client", protocol.Identity{User: "ann", Role: "client", Token: "t1"}, "denied"},
		{"good-admin", protocol.Identity{User: "ann", Role: "admin", Token: "t1"}, ""},
		{"bad", protocol.Identity{Refused: "cannot know you: " + octaskly.ErrUnknown.Error()}, "unauthorized"},
	} {
		k.forget()
		test.want.Number = 7
		p.say(&protocol.FromWorker{Callers: []protocol.Caller{{Number: 7, Token: test.token, From: "192.0.2.7", Action: "metrics.read", Permission: uint32(auth.ReadMetrics)}}})
		if got := p.wait(); got != test.want {
			t.Errorf("%s is %+v, want %+v", test.token, got, test.want)
		}
		k.mu.Lock()
		switch {
		case test.outcome == "" && len(k.rows) > 0:
			t.Errorf("%s: rows are %+v", test.token, k.rows)
		case test.outcome != "" && (len(k.rows) != 1 || k.rows[0].Outcome != test.outcome || k.rows[0].Target != "w" || k.rows[0].From != "192.0.2.7"):
			t.Errorf("%s: rows are %+v, want one that is %s", test.token, k.rows, test.outcome)
		}
		k.mu.Unlock()
	}
}

// More questions than may be open are answered at once, by that.
func TestManyCallersOfAWorker(t *testing.T) {
	k := &keeper{busy: make(chan struct{})}
	l := goLive(t, packaged, func(d *Dispatcher) { d.Callers = k })
	p := l.connect()
	questions := make([]protocol.Caller, protocol.MaxCallers)
	for i := range questions {
		questions[i] = protocol.Caller{Number: uint64(i + 1), Token: "good-admin", From: "::1", Action: "a"}
	}
	p.say(&protocol.FromWorker{Callers: questions})
	p.say(&protocol.FromWorker{Callers: []protocol.Caller{{Number: 99, From: "::1"}}})
	if got := p.wait(); got.Number != 99 || !got.Busy {
		t.Errorf("one too many is %+v", got)
	}
	close(k.busy)
	for range questions {
		if got := p.wait(); got.User != "ann" || got.Number > protocol.MaxCallers {
			t.Errorf("it hears %+v", got)
		}
	}
}

// What a worker asks is bounded, like all that it says.
func TestCallersThatAreNone(t *testing.T) {
	good := protocol.Caller{Token: "t", From: "192.0.2.7", Action: "metrics.read"}
	if err := checkCallers([]protocol.Caller{good}); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*protocol.Caller){
		"a long token":   func(c *protocol.Caller) { c.Token = strings.Repeat("x", maxCallerToken+1) },
		"no address":     func(c *protocol.Caller) { c.From = "w1" },
		"a long action":  func(c *protocol.Caller) { c.Action = strings.Repeat("x", maxReason+1) },
		"an odd action":  func(c *protocol.Caller) { c.Action = "a\x1b[31m" },
		"a broken token": func(c *protocol.Caller) { c.From = "" },
	} {
		c := good
		spoil(&c)
		if checkCallers([]protocol.Caller{c}) == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if checkCallers(make([]protocol.Caller, protocol.MaxCallers+1)) == nil {
		t.Error("too many are taken")
	}
}

// Each reason has a class, and there are no others.
func TestClassesOfEnds(t *testing.T) {
	for reason, want := range map[octaskly.Reason]string{
		octaskly.ReasonExit(3): "exit", octaskly.ReasonSignal(9): "signal", octaskly.ReasonSpawn("ENOENT"): "spawn",
		octaskly.ReasonLostTimes(3): "worker-lost", octaskly.ReasonWorkerLost: "worker-lost", octaskly.ReasonLacks("level:strict"): "unenforceable",
		octaskly.ReasonOOM: "oom", octaskly.ReasonCPUTime: "cpu-time", octaskly.ReasonTimeout: "timeout", "": "none",
		"cwd:ENOENT": "other", "dependency:12": "dependency", octaskly.ReasonKeyChanged: "other", "exitus": "other", "worker": "other",
	} {
		if got := endClasses[classOf(reason)]; got != want {
			t.Errorf("%q is %s, want %s", reason, got, want)
		}
	}
}

// What never became true by a commit is not counted.
func TestOnlyWhatIsTrueCounts(t *testing.T) {
	m := newMeter()
	var b batch
	b.accepted = make([]octaskly.Job, 2)
	b.ends.add(octaskly.Failed, octaskly.ReasonExit(1), 3)
	b.fail(context.Canceled)
	m.committed(&b)
	if n := m.submitted.Value() + m.ended[octaskly.Failed][classOf("exit:1")].Value(); n != 0 {
		t.Errorf("%d were counted of a commit that failed", n)
	}
	b.ends.add(octaskly.Failed, octaskly.ReasonExit(1), 3)
	m.committed(&b)
	if n := m.ended[octaskly.Failed][classOf("exit:1")].Value(); n != 3 {
		t.Errorf("%d have ended", n)
	}
}
