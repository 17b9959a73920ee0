package client

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// TestRenewal says when an access token is renewed, and where the new one is kept.
func TestRenewal(t *testing.T) {
	for _, tt := range []struct {
		name     string
		left     time.Duration
		good     bool // a0, to the server
		renewals int
	}{
		{"it is fresh", time.Hour, true, 0},
		{"it ends soon", 30 * time.Second, true, 1},
		{"it has ended", -time.Hour, false, 1},
		{"it is refused", time.Hour, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRemote(t, &fake{})
			r.book.good["a0"] = tt.good
			file := stored(t, r.context(tt.left))
			c := r.client(t, r.context(tt.left), file)
			for range 3 {
				if _, err := c.Stats(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			renewals, stolen := r.book.counts()
			if renewals != tt.renewals || stolen {
				t.Errorf("%d renewals, stolen %v", renewals, stolen)
			}
			want := r.context(tt.left)
			if tt.renewals > 0 {
				want.Access, want.Refresh = "a1", "r1"
			}
			got := load(t, file)
			left := time.Until(got.ExpiresAt)
			if got.Access != want.Access || got.Refresh != want.Refresh || tt.renewals > 0 && (left < 14*time.Minute || left > 16*time.Minute) {
				t.Errorf("stored %+v", got)
			}
		})
	}
}

// TestRenewalRace has many programs find out at once that the token has ended.
func TestRenewalRace(t *testing.T) {
	for _, left := range []time.Duration{-time.Hour, time.Hour} {
		r := newRemote(t, &fake{})
		server := r.context(left)
		file := stored(t, server)
		var programs sync.WaitGroup
		for range 8 {
			c := r.client(t, server, &ContextFile{file.Path})
			for range 4 {
				programs.Go(func() {
					if _, err := c.Workers(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		programs.Wait()
		if renewals, stolen := r.book.counts(); renewals != 1 || stolen {
			t.Errorf("with %v left: %d renewals, stolen %v", left, renewals, stolen)
		}
	}
}

// TestRenewedElsewhere takes what another program has stored.
func TestRenewedElsewhere(t *testing.T) {
	r := newRemote(t, &fake{})
	r.book.accept("a7")
	renewed := r.context(time.Hour)
	renewed.Access, renewed.Refresh = "a7", "r7"
	c := r.client(t, r.context(time.Hour), stored(t, renewed))
	if _, err := c.Stats(t.Context()); err != nil {
		t.Error(err)
	}
	if renewals, _ := r.book.counts(); renewals != 0 {
		t.Errorf("%d renewals", renewals)
	}
}

// TestBodyIsSentAgain after the token was refused: all of it.
func TestBodyIsSentAgain(t *testing.T) {
	r := newRemote(t, &fake{})
	c := r.client(t, r.context(time.Hour), nil)
	data := make([]byte, 1<<20)
	hash := hashOf(string(data))
	if err := c.PutBlob(t.Context(), hash, bytesReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if got := len(r.fake.blobs[hash]); got != len(data) {
		t.Errorf("%d bytes", got)
	}
	if renewals, _ := r.book.counts(); renewals != 1 {
		t.Errorf("%d renewals", renewals)
	}
}

// TestUnauthorized is who has nothing to show.
func TestUnauthorized(t *testing.T) {
	r := newRemote(t, &fake{})
	ended, elsewhere := r.context(time.Hour), r.context(time.Hour)
	ended.Refresh = "r9"
	elsewhere.URL = "https://elsewhere"
	machine, nobody := Context{Name: "lab", URL: r.url, CA: r.ca, Token: "m"}, Context{Name: "lab", URL: r.url, CA: r.ca}
	for what, tt := range map[string]struct {
		context Context
		store   Store
	}{
		"a session that has ended":      {ended, nil},
		"the same, stored":              {ended, stored(t, ended)},
		"a context of another server":   {r.context(time.Hour), stored(t, elsewhere)},
		"a machine's token":             {machine, stored(t, machine)},
		"nobody":                        {nobody, nil},
		"nobody, stored":                {nobody, stored(t, nobody)},
		"a context that was logged out": {r.context(time.Hour), stored(t, nobody)},
	} {
		_, err := r.client(t, tt.context, tt.store).Stats(t.Context())
		unauthorized, ok := errors.AsType[*Unauthorized](err)
		if !ok || unauthorized.URL != r.url || !errors.Is(err, octaskly.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if r.fake.asked != "" {
		t.Error("it was asked", r.fake.asked)
	}
}

func TestMachineToken(t *testing.T) {
	r := newRemote(t, &fake{})
	r.book.accept("m")
	c := r.client(t, Context{Name: "lab", URL: r.url, CA: r.ca, Token: "m"}, nil)
	if _, err := c.Stats(t.Context()); err != nil {
		t.Error(err)
	}
	if err := New(Options{Server: &Server{Context: Context{URL: r.url, CA: r.ca}}}).Health(t.Context()); err != nil {
		t.Error("health needs no token, and", err)
	}
}

func TestLogin(t *testing.T) {
	r := newRemote(t, &fake{})
	c := r.client(t, Context{URL: r.url, CA: r.ca}, nil)
	session, err := c.Login(t.Context(), "ann", "the password")
	if err != nil || session.Access != "a1" || session.User != "ann" {
		t.Errorf("%+v, %v", session, err)
	}
	if _, err := c.Login(t.Context(), "ann", "another"); !errors.Is(err, octaskly.ErrUnknown) {
		t.Error(err)
	}
}

// TestRenewalFails, but the token is still good for some seconds.
func TestRenewalFails(t *testing.T) {
	r := newRemote(t, &fake{})
	r.book.accept("a0")
	server := r.context(30 * time.Second)
	c := r.client(t, server, brokenStore{})
	if _, err := c.Stats(t.Context()); err != nil {
		t.Error(err)
	}
	server = r.context(-time.Second)
	if _, err := r.client(t, server, brokenStore{}).Stats(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
}

type brokenStore struct{}

var errStore = errors.New("the disk is full")

func (brokenStore) Renew(context.Context, string, func(*Context) error) error { return errStore }
