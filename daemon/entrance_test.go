package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// A worker that can show nothing, and check nothing, asks nobody at random.
func TestFindBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch("10.0.0.3:7878")
		s.wanted = wanted{fleet: "lab", blind: true}
		s.say(heardOf("lab", "hub", false, "10.0.0.3"), heardOf("den", "den", false, "10.0.0.4"))
		if err := s.now(t); err != nil {
			t.Errorf("the only one of its fleet: %v", err)
		}
		s.last = ""
		s.say(heardOf("lab", "false", false, "10.0.0.2"))
		err := s.now(t)
		if want := `2 dispatchers are heard on the network, and this worker has neither key nor invite to tell them apart by: "false" at 10.0.0.2:7878, "hub" at 10.0.0.3:7878`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v", err)
		}
		if len(s.tried) != 1 {
			t.Errorf("it tries %q", s.tried)
		}
		s.blind = false // with an identity or an invite, TLS tells
		if err := s.now(t); err != nil {
			t.Error(err)
		}
	})
}

// Any fleet will do where it is not known.
func TestFindAnyFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearch("10.0.0.3:7878")
		s.wanted = wanted{}
		s.say(heardOf("den", "hub", false, "10.0.0.3"))
		if err := s.now(t); err != nil || s.tried[0] != localDispatcher || len(s.tried) != 2 {
			t.Errorf("it tries %q: %v", s.tried, err)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pause
		if err := p.over(time.Now()); err != nil {
			t.Error(err)
		}
		for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			p.grow()
			if err := p.over(time.Now().Add(want - time.Second)); err == nil {
				t.Errorf("a pause of %v is over earlier", want)
			}
			if err := p.over(time.Now().Add(want)); err != nil {
				t.Error(err)
			}
		}
		for range 20 {
			p.grow()
		}
		if p.length != lastSilence {
			t.Errorf("it grows to %v", p.length)
		}
	})
}

func TestWays(t *testing.T) {
	e := &entrance{}
	key, invite := security.GenerateKey(), &joining.Invite{}
	for _, c := range []struct {
		has     secrets
		hearsay bool
		want    string
	}{
		{secrets{}, false, "approval"},
		{secrets{}, true, "approval"}, // there is only one
		{secrets{key: key}, false, "key"},
		{secrets{invite: invite}, false, "invite approval"},
		{secrets{invite: invite}, true, "invite"}, // whoever is there has shown nothing
		{secrets{key, invite}, false, "invite key"},
	} {
		var names []string
		for _, w := range e.ways(place{hearsay: c.hearsay}, c.has) {
			names = append(names, w.name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c, got, c.want)
		}
	}
}

// A worker's certificate goes only on a dispatcher's word, or for another fleet's secret.
func TestIsStale(t *testing.T) {
	e := &entrance{}
	with := secrets{key: security.GenerateKey()}
	for _, c := range []struct {
		err  error
		has  secrets
		want bool
	}{
		{transport.ErrRevoked, secrets{}, true},
		{transport.ErrRemoved, with, false},
		{transport.ErrTooOld, with, false},
		{transport.ErrNotDispatcher, secrets{}, false},
		{transport.ErrNotDispatcher, with, true},
		{errors.New("the network is down"), with, false},
	} {
		if got := e.isStale(c.err, c.has); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
