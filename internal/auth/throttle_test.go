package auth

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fail is a login with a wrong password; it returns the wait instead, if there is one.
func fail(t *Throttle, user, from string, now time.Time) time.Duration {
	login, after := t.Begin(user, from, now)
	if after == 0 {
		login.Failed(now)
	}
	return after
}

func wantWait(t *testing.T, th *Throttle, user, from string, now time.Time, want time.Duration) {
	t.Helper()
	login, after := th.Begin(user, from, now)
	if after != want {
		t.Errorf("%s from %s at %v waits for %v, want %v", user, from, now.Sub(start), after, want)
	}
	if login != nil {
		login.Dropped(now)
	}
}

// TestThrottleDoubles fails as soon as it may, again and again.
func TestThrottleDoubles(t *testing.T) {
	th, now := NewThrottle(), start
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		want *= time.Second
		if after := fail(th, "ann", "192.0.2.1", now); after != 0 {
			t.Fatalf("failure %d: %v", i, after)
		}
		wantWait(t, th, "ann", "192.0.2.1", now, want)
		wantWait(t, th, "ann", "192.0.2.1", now.Add(want-1), 1)
		wantWait(t, th, "ann", "192.0.2.2", now, 0) // another address
		wantWait(t, th, "bob", "192.0.2.1", now, 0) // another user
		now = now.Add(want)
		wantWait(t, th, "ann", "192.0.2.1", now, 0)
	}
}

func TestThrottleForgets(t *testing.T) {
	th := NewThrottle()
	fail(th, "ann", "192.0.2.1", start)
	fail(th, "ann", "192.0.2.1", start.Add(time.Minute))
	last := start.Add(10 * time.Minute)
	fail(th, "ann", "192.0.2.1", last)
	wantWait(t, th, "ann", "192.0.2.1", last, 4*time.Second)

	late := last.Add(15*time.Minute - 1)
	fail(th, "ann", "192.0.2.1", late)
	wantWait(t, th, "ann", "192.0.2.1", late, 8*time.Second)
	later := late.Add(15 * time.Minute)
	fail(th, "ann", "192.0.2.1", later)
	wantWait(t, th, "ann", "192.0.2.1", later, time.Second)
}

// TestThrottleIsNotKeptByAsking: whoever asks too early makes it no worse.
func TestThrottleIsNotKeptByAsking(t *testing.T) {
	th := NewThrottle()
	fail(th, "ann", "192.0.2.1", start)
	for i := range 1000 {
		wantWait(t, th, "ann", "192.0.2.1", start.Add(time.Duration(i)*time.Millisecond), time.Second-time.Duration(i)*time.Millisecond)
	}
	wantWait(t, th, "ann", "192.0.2.1", start.Add(time.Second), 0)
}

func TestThrottleSuccessForgets(t *testing.T) {
	th := NewThrottle()
	fail(th, "ann", "192.0.2.1", start)
	fail(th, "ann", "192.0.2.1", start.Add(time.Second))
	login, after := th.Begin("ann", "192.0.2.1", start.Add(3*time.Second))
	if after != 0 {
		t.Fatal(after)
	}
	login.Succeeded(start.Add(4 * time.Second))
	wantWait(t, th, "ann", "192.0.2.1", start.Add(4*time.Second), 0)
	fail(th, "ann", "192.0.2.1", start.Add(5*time.Second))
	wantWait(t, th, "ann", "192.0.2.1", start.Add(5*time.Second), time.Second)
}

// TestThrottleUnderWay: guesses cannot be made side by side.
func TestThrottleUnderWay(t *testing.T) {
	th := NewThrottle()
	var logins []*Login
	for range 4 {
		login, after := th.Begin("ann", "192.0.2.1", start)
		if after != 0 {
			t.Fatalf("after %d: %v", len(logins), after)
		}
		logins = append(logins, login)
	}
	wantWait(t, th, "ann", "192.0.2.1", start, time.Second)
	logins[0].Dropped(start)
	wantWait(t, th, "ann", "192.0.2.1", start, 0) // which drops its own again
	logins[1].Failed(start)
	logins[1].Succeeded(start) // the first word counts
	logins[0].Failed(start)
	wantWait(t, th, "ann", "192.0.2.1", start, time.Second)
	wantWait(t, th, "ann", "192.0.2.1", start.Add(time.Second), time.Second) // two are still there
	logins[2].Dropped(start)
	logins[3].Dropped(start)
	one, after := th.Begin("ann", "192.0.2.1", start.Add(time.Second))
	if after != 0 {
		t.Fatal(after)
	}
	wantWait(t, th, "ann", "192.0.2.1", start.Add(time.Second), time.Second) // one at a time now
	one.Failed(start.Add(time.Second))
	wantWait(t, th, "ann", "192.0.2.1", start.Add(time.Second), 2*time.Second)
}

// attack fails n times, each from an address of its own.
func attack(t *testing.T, th *Throttle, user string, n int, now time.Time) {
	t.Helper()
	for i := range n {
		if after := fail(th, user, fmt.Sprintf("203.0.%d.%d", i/256, i%256), now); after != 0 {
			t.Fatalf("failure %d waits for %v", i, after)
		}
	}
}

func TestThrottleByUser(t *testing.T) {
	th := NewThrottle()
	attack(t, th, "ann", 19, start)
	wantWait(t, th, "ann", "192.0.2.1", start, 0)
	if after := fail(th, "ann", "198.51.100.1", start); after != 0 {
		t.Fatal(after)
	}
	wantWait(t, th, "ann", "192.0.2.1", start, time.Second)
	wantWait(t, th, "bob", "192.0.2.1", start, 0)
	// One is forgotten every 45 s.
	wantWait(t, th, "ann", "192.0.2.2", start.Add(45*time.Second-1), time.Second)
	wantWait(t, th, "ann", "192.0.2.3", start.Add(45*time.Second), 0)
}

// TestThrottleLocksNobodyOut: while an attacker with a new address for each guess
// goes on, ann gets in after a minute at most, and the attacker waits as long for each.
func TestThrottleLocksNobodyOut(t *testing.T) {
	th, guesses, asked := NewThrottle(), 0, 0
	strike := func(at time.Time) {
		for range 50 {
			asked++
			if fail(th, "ann", fmt.Sprintf("2001:db8:%x:%x::1", asked>>16, asked&0xffff), at) == 0 {
				guesses++
			}
		}
	}
	for second := range 30 {
		strike(start.Add(time.Duration(second) * time.Second))
	}
	came := start.Add(30 * time.Second)
	_, after := th.Begin("ann", "192.0.2.1", came)
	if after <= 0 || after > time.Minute {
		t.Fatalf("she waits for %v", after)
	}
	for second := 30; second < 30+int(after/time.Second); second++ {
		strike(start.Add(time.Duration(second) * time.Second))
	}
	login, after := th.Begin("ann", "192.0.2.1", came.Add(after))
	if login == nil {
		t.Fatalf("she has waited, and waits for %v more", after)
	}
	login.Succeeded(came)
	if guesses > 20 {
		t.Errorf("%d guesses of %d were looked at", guesses, asked)
	}
}

// TestThrottleTurn: a turn that came to nothing comes again; one that was used has
// to be waited for.
func TestThrottleTurn(t *testing.T) {
	th, now := NewThrottle(), start
	var logins []*Login
	for i := range 50 {
		login, _ := th.Begin("ann", fmt.Sprintf("203.0.113.%d", i), now)
		logins = append(logins, login)
	}
	for _, login := range logins {
		login.Failed(now)
	}
	_, after := th.Begin("ann", "192.0.2.1", now)
	if after != time.Minute {
		t.Fatal(after)
	}
	now = now.Add(after)
	for range 3 {
		wantWait(t, th, "ann", "192.0.2.1", now, 0) // dropped
	}
	if after := fail(th, "ann", "192.0.2.1", now); after != 0 {
		t.Fatal(after)
	}
	if _, after = th.Begin("ann", "192.0.2.1", now); after < 30*time.Second || after > time.Minute {
		t.Errorf("after a failure she waits for %v", after)
	}
	now = now.Add(after)
	wantWait(t, th, "ann", "192.0.2.1", now, 0) // and no longer
}

// TestThrottleKeepsOnlyFailures: who floods with names that cost nothing does not push
// out those that have failed.
func TestThrottleKeepsOnlyFailures(t *testing.T) {
	th := NewThrottle()
	fail(th, "ann", "192.0.2.1", start)
	for i := range 20_000 {
		login, after := th.Begin(fmt.Sprint("user", i), "192.0.2.9", start)
		if after != 0 {
			t.Fatal(after)
		}
		if i%2 == 0 {
			login.Dropped(start)
		} else {
			login.Succeeded(start)
		}
	}
	if th.pairs.len() != 1 || th.users.len() != 1 {
		t.Errorf("%d and %d are kept", th.pairs.len(), th.users.len())
	}
	wantWait(t, th, "ann", "192.0.2.1", start, time.Second)
}

func TestThrottleIsBounded(t *testing.T) {
	th := NewThrottle()
	for i := range 11_000 {
		fail(th, fmt.Sprint(strings.Repeat("long", 100), i), "192.0.2.9", start)
	}
	if th.pairs.len() != 10_000 || th.users.len() != 10_000 {
		t.Errorf("%d and %d are kept", th.pairs.len(), th.users.len())
	}
	wantWait(t, th, fmt.Sprint(strings.Repeat("long", 100), 10_999), "192.0.2.9", start, time.Second)
}

func TestThrottleNetworks(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"unix uid=1000", "unix uid=1000", true},
		{"unix uid=1000", "unix uid=1001", false},
	} {
		th := NewThrottle()
		fail(th, "ann", test.a, start)
		_, after := th.Begin("ann", test.b, start)
		if (after > 0) != test.same {
			t.Errorf("%s and %s are the same: %v", test.a, test.b, after > 0)
		}
	}
	th := NewThrottle()
	fail(th, "ann\x00192.0.2.1", "", start) // what separates them is in no address
	wantWait(t, th, "ann", "192.0.2.1", start, 0)
}

func TestThrottleClockSetBack(t *testing.T) {
	th := NewThrottle()
	for i := range 10 {
		fail(th, "ann", "192.0.2.1", start.Add(time.Duration(i)*time.Minute))
	}
	wantWait(t, th, "ann", "192.0.2.1", start.AddDate(0, 0, -1), 0)
}

func TestThrottleConcurrently(t *testing.T) {
	th := NewThrottle()
	var guesses atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if fail(th, "ann", "192.0.2.1", start) == 0 {
					guesses.Add(1)
				}
			}
		})
	}
	group.Wait()
	if n := guesses.Load(); n < 1 || n > maxTrying {
		t.Errorf("%d guesses in no time", n)
	}
}

// TestThrottleShare: one network has its share of the logins under way, whomever they
// are of, and others have theirs.
func TestThrottleShare(t *testing.T) {
	th := NewThrottle()
	var logins []*Login
	for i := range maxFromOne {
		login, after := th.Begin(fmt.Sprint("user", i), fmt.Sprintf("2001:db8::%x", i), start)
		if after != 0 {
			t.Fatalf("after %d: %v", i, after)
		}
		logins = append(logins, login)
	}
	wantWait(t, th, "ann", "2001:db8::abcd", start, time.Second)
	wantWait(t, th, "ann", "2001:db8:0:1::1", start, 0)
	if n := th.pairs.len(); n != maxFromOne {
		t.Errorf("%d pairs are kept", n)
	}
	logins[0].Failed(start)
	logins[0].Dropped(start) // the first word counts
	wantWait(t, th, "ann", "2001:db8::abcd", start, 0)
	wantWait(t, th, "ann", "2001:db8::abcd", start, 0)
	for _, login := range logins {
		login.Succeeded(start)
	}
	if len(th.from) != 0 {
		t.Errorf("of logins that are over, %v are kept", th.from)
	}
}
