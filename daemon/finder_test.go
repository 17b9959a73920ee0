package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/discovery"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// fakeNetwork says what is there, after a while.
type fakeNetwork struct {
	mu      sync.Mutex
	heard   []discovery.Heard
	changed chan struct{}
	closed  int
}

func (n *fakeNetwork) Heard() []discovery.Heard {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.heard)
}

func (n *fakeNetwork) Changed() <-chan struct{} { return n.changed }

func (n *fakeNetwork) Near(a netip.Addr) bool { return strings.HasPrefix(a.String(), "203.0.113.") }

func (n *fakeNetwork) Close() { n.closed++ }

func (n *fakeNetwork) say(more ...discovery.Heard) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard = append(n.heard, more...)
	n.changed <- struct{}{}
}

func heardOf(fleet, host string, preferred bool, addresses ...string) discovery.Heard {
	h := discovery.Heard{Announcement: discovery.Announcement{Fleet: fleet, Host: host, Port: 7878}, Preferred: preferred}
	for _, text := range addresses {
		h.Addresses = append(h.Addresses, netip.MustParseAddr(text))
	}
	return h
}

// search is a finder on a fake network, in which good is the dispatcher.
type search struct {
	*finder
	wanted
	*fakeNetwork
	tried []string
	log   bytes.Buffer
}

type fakeSession struct{ transport.Session }

func newSearch(good string) *search {
	s := &search{fakeNetwork: &fakeNetwork{changed: make(chan struct{}, 1)}, wanted: wanted{fleet: "lab", key: security.GenerateKey()}}
	s.finder = &finder{
		log: slog.New(slog.NewTextHandler(&s.log, nil)),
		dial: func(_ context.Context, p place) (transport.Session, error) {
			if s.tried = append(s.tried, p.address); p.address == good {
				return fakeSession{}, nil
			}
			return nil, errors.New("cannot open a session with " + p.address)
		},
		hear: func(func(*discovery.Announcement) bool) (ears, error) { return s.fakeNetwork, nil },
	}
	return s
}

func (s *search) now(t *testing.T) error {
	t.Helper()
	s.tried = nil
	link, err := s.find(t.Context(), s.wanted)
	if (link == nil) == (err == nil) {
		t.Errorf("%v, %v", link, err)
	}
	if s.fakeNetwork.closed != 1 {
		t.Errorf("it stopped listening %d times", s.fakeNetwork.closed)
	}
	s.fakeNetwork.closed = 0
	return err
}

func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch("10.0.0.3:7878")
		s.say(heardOf("den", "den", true, "10.0.0.1"), heardOf("lab", "old", true, "10.0.0.2"), heardOf("lab", "forged", false, "10.0.0.9"))
		time.AfterFunc(time.Second, func() { s.say(heardOf("lab", "hub", true, "10.0.0.3", "10.0.0.4")) })
		if err := s.now(t); err != nil {
			t.Error(err)
		}
		if want := []string{localDispatcher, "10.0.0.2:7878", "10.0.0.3:7878"}; !slices.Equal(s.tried, want) {
			t.Errorf("it tries %q, want %q", s.tried, want)
		}
		for _, line := range []string{`msg="A dispatcher of another fleet is heard on the network" fleet=den host=den port=7878 want=lab`, `does not take this worker" fleet=lab host=old`, `is found on the network" fleet=lab host=hub address=10.0.0.3:7878`} {
			if strings.Count(s.log.String(), line) != 1 {
				t.Errorf("%q is not said once in\n%s", line, s.log.String())
			}
		}
		s.hear = nil // where it was last comes first
		s.tried = nil
		if _, err := s.find(t.Context(), s.wanted); err != nil || s.tried[0] != "10.0.0.3:7878" {
			t.Errorf("%q, %v", s.tried, err)
		}
	})
}

// Anybody may say anything: few are tried, none beyond the network.
func TestFindAmongForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch("")
		all := []discovery.Heard{heardOf("lab", "far", false, "198.51.100.1"), heardOf("lab", "near", false, "203.0.113.1")}
		for i := range 200 {
			all = append(all, heardOf("lab", fmt.Sprint("forged", i), false, fmt.Sprint("10.0.0.", i), fmt.Sprint("10.0.1.", i), fmt.Sprint("10.0.2.", i)))
		}
		s.say(all...)
		err := s.now(t)
		if len(s.tried) != 1+maxTries || slices.Contains(s.tried, "198.51.100.1:7878") {
			t.Errorf("it tries %q", s.tried)
		}
		first := err.Error()
		if err := s.now(t); err.Error() != first || !strings.HasSuffix(first, `and none that is heard of fleet "lab" takes this worker; `+elsewhere) {
			t.Errorf("%v\n%s", err, first)
		}
	})
}

func TestFindNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch("")
		began := time.Now()
		if err := s.now(t); err.Error() != "cannot open a session with "+localDispatcher+`; and no dispatcher of fleet "lab" is heard on the network; `+elsewhere {
			t.Error(err)
		}
		if took := time.Since(began); took != hearTime {
			t.Errorf("it takes %v", took)
		}
		s.hear = func(func(*discovery.Announcement) bool) (ears, error) { return nil, discovery.ErrNoNetwork }
		if _, err := s.find(t.Context(), s.wanted); !errors.Is(err, discovery.ErrNoNetwork) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.hear = func(func(*discovery.Announcement) bool) (ears, error) { return s.fakeNetwork, nil }
		if _, err := s.find(ctx, s.wanted); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSeal(t *testing.T) {
	key := security.GenerateKey()
	a := heardOf("lab", "hub", false, "10.0.0.2").Announcement
	a.Seal = sealer(key)(a.Text())
	if !genuine(key)(&a) || genuine(security.GenerateKey())(&a) {
		t.Error("a seal is of one key")
	}
	a.Port++
	if genuine(key)(&a) {
		t.Error("a seal is of one text")
	}
	if id := fleetID(key); id != fleetID(key) || len(id) != 16 || id == fleetID(security.GenerateKey()) {
		t.Errorf("the id is %q", id)
	}
}
