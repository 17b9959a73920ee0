package worker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// What the self-test gave is in the hello, and of what is too much the beginning.
func TestHelloHasChecks(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		checks := []octaskly.Check{
			{Subject: "level:strict", Name: "shadow", What: "reads no secrets", Held: true},
			{Subject: "level:strict", Name: "mounts", Why: "two\nlines\x1b[31m"},
		}
		r.accept()
		r.welcome("g1")
		r.x.report(append(checks, make([]octaskly.Check, octaskly.MaxChecks)...), nil)
		r.link.Close()
		hello := r.accept()
		r.welcome("g1")
		if len(hello.Checks) != octaskly.MaxChecks {
			t.Errorf("%d checks", len(hello.Checks))
		}
		checks[1].Why = "two lines [31m"
		if diff := cmp.Diff(checks, hello.Checks[:2]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"kill:cgroup"}, hello.Features); diff != "" {
			t.Error(diff)
		}
	})
}

// A pong is followed by what the running attempts use.
func TestUsageFollowsPong(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		usage := []protocol.Usage{{ID: first, Usage: octaskly.Usage{CPUTime: 7, Memory: 1 << 20, Processes: 3}}}
		r.x.report(nil, usage)
		r.accept()
		r.welcome("g1")
		r.send(&protocol.ToWorker{Ping: 1})
		if m := r.read(); m.Pong != 1 || m.Usage != nil {
			t.Errorf("the answer: %+v", m)
		}
		if m := r.read(); m.Pong != 0 || !cmp.Equal(usage, m.Usage) {
			t.Errorf("after it: %+v, want %+v", m, usage)
		}
		r.x.report(nil, nil)
		for ping := uint64(2); ping < 4; ping++ {
			r.send(&protocol.ToWorker{Ping: ping})
			if m := r.read(); m.Pong != ping {
				t.Errorf("with nothing running, the answer to %d is %+v", ping, m)
			}
		}
	})
}

// However many run, and whatever they use, their usage fits into a frame.
func TestUsageFits(t *testing.T) {
	eachWay(t, func(t *testing.T, r *rig) {
		const most = 1<<63 - 1
		u := protocol.Usage{
			ID:    octaskly.AttemptID{Job: most, Index: most, Number: most},
			Usage: octaskly.Usage{CPUTime: most, Memory: most, MemoryPeak: most, Processes: most, ProcessesPeak: most, Read: most, Written: most, Disk: most, DiskPeak: most},
		}
		all := make([]protocol.Usage, maxUsage+1)
		for i := range all {
			all[i] = u
		}
		r.x.report(nil, all)
		r.accept()
		r.welcome("g1")
		r.send(&protocol.ToWorker{Ping: 1})
		r.read()
		if m := r.read(); len(m.Usage) != maxUsage || m.Usage[maxUsage-1] != u {
			t.Errorf("%d of %d", len(m.Usage), len(all))
		}
	})
}

func TestLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"plain", "plain"}, {"a\tb\r\n", "a b  "}, {"bad \xff", "bad ?"}, {"\u202eab", " ab"}, {"éééé", "ééé"},
	} {
		if got := line(tt.text, 7); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := line(strings.Repeat("\xbf", 100), 7); !utf8.ValidString(got) || len(got) > 7 {
		t.Errorf("%q", got)
	}
}

// A relay tells what its executor has said, without a dispatcher; and no longer
// when that is gone.
func TestRelayHello(t *testing.T) {
	x := newFakeExecutor()
	x.report([]octaskly.Check{{Subject: "level:strict", Name: "shadow", Held: true}}, nil)
	w, err := New(Config{Slots: 2, Dir: t.TempDir(), Executor: x, Log: slog.New(slog.DiscardHandler), Status: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.Dir, "x.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	listener := transport.ListenUnix(ln, transport.UnixConfig{Allowed: func(uint32) bool { return true }})
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { w.Attend(ctx, listener.Accept, func() {}) })
	defer group.Wait()
	defer listener.Close()
	defer stop()

	seen := make(chan *protocol.Hello, 2)
	relay := &Relay{ID: "0123456789abcdef", Name: "w1", Log: w.Log}
	relay.Executor = func(ctx context.Context) (transport.Session, error) { return transport.DialUnix(ctx, path) }
	relay.Dial = func(context.Context) (transport.Session, error) {
		seen <- relay.Hello()
		relay.Executor = func(context.Context) (transport.Session, error) { return nil, errors.New("no executor") }
		return nil, errors.New("no dispatcher")
	}
	relay.Status = func(text string) {
		if strings.Contains(text, "no executor") {
			seen <- relay.Hello()
		}
	}
	group.Go(func() { relay.Run(ctx) })
	if h := <-seen; h == nil || h.Slots != 2 || h.Name != "w1" || len(h.Checks) != 1 {
		t.Errorf("with an executor: %+v", h)
	}
	if h := <-seen; h != nil {
		t.Errorf("without an executor: %+v", h)
	}
}
