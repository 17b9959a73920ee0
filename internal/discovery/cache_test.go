package discovery

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func seenOf(a Announcement, instance string) *sighting {
	return &sighting{instance: instance, life: time.Minute, Announcement: a}
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func nowhere(netip.Addr) bool { return false }

func TestCacheLife(t *testing.T) {
	c := newCache(nil)
	hub := addr("10.0.0.2")
	if !c.apply(hub, seenOf(lab(), "hub"), now) || c.apply(hub, seenOf(lab(), "hub"), now) {
		t.Error("the first is news, and the second none")
	}
	moved := lab()
	moved.Port++
	if !c.apply(hub, seenOf(moved, "hub"), now) {
		t.Error("another port is no news")
	}
	gone := &sighting{instance: "hub", gone: true}
	if c.apply(addr("10.0.0.3"), gone, now) || len(c.merged(nowhere)) != 1 {
		t.Error("somebody else ends it")
	}
	if !c.apply(hub, gone, now) || c.apply(hub, gone, now) || len(c.merged(nowhere)) != 0 {
		t.Error("its goodbye does not end it")
	}
	c.apply(hub, seenOf(lab(), "hub"), now)
	if c.expire(now.Add(time.Minute - 1)); len(c.entries) != 1 {
		t.Error("it has gone too early")
	}
	if c.expire(now.Add(time.Minute)); len(c.entries) != 0 {
		t.Error("it stays for ever")
	}
}

// A flood is bounded and hides nobody who is genuine.
func TestCacheFlood(t *testing.T) {
	genuine := lab()
	c := newCache(func(a *Announcement) bool { return a.Seal == genuine.Seal })
	flood := func(hosts int) {
		for i := range 5 * maxHeard {
			forged := lab()
			forged.Seal, forged.Port = "00", uint16(i+1)
			c.apply(addr(fmt.Sprintf("10.0.%d.%d", i%hosts/250+1, i%hosts%250+1)), seenOf(forged, fmt.Sprint("hub", i)), now)
		}
	}
	flood(2000)
	if len(c.entries) != maxHeard {
		t.Errorf("%d are held", len(c.entries))
	}
	if !c.apply(addr("10.0.0.2"), seenOf(genuine, "hub"), now) {
		t.Error("there is no room for the right one")
	}
	flood(2000)
	if list := c.merged(nowhere); !list[0].Preferred || list[0].Host != "hub" || list[0].Port != genuine.Port || len(list[0].Addresses) != 1 {
		t.Errorf("the first is %+v", list[0])
	}
}

func TestCacheOfOneHost(t *testing.T) {
	c := newCache(func(a *Announcement) bool { return a.Seal != "" })
	hub := addr("10.0.0.2")
	for i := range 10 * maxPerHost {
		a := lab()
		a.Port = uint16(i + 1)
		c.apply(hub, seenOf(a, fmt.Sprint("hub", i)), now)
	}
	if len(c.entries) != maxPerHost {
		t.Errorf("%d are held", len(c.entries))
	}
	c.apply(addr("10.0.0.3"), seenOf(lab(), "hub"), now)
	if len(c.entries) != maxPerHost+1 {
		t.Error("another host has no room")
	}
}

// Two networks and two families are one dispatcher, two fleets are two.
func TestMerged(t *testing.T) {
	c := newCache(func(a *Announcement) bool { return a.Fleet == "lab" })
	at := func(addresses ...string) Announcement {
		a := lab()
		a.Addresses = nil
		for _, text := range addresses {
			a.Addresses = append(a.Addresses, addr(text))
		}
		return a
	}
	c.apply(addr("10.0.0.2"), seenOf(at("10.0.0.2", "192.0.2.2"), "hub"), now)
	c.apply(addr("fe80::2%lan0"), seenOf(at("10.0.0.2", "fe80::2%lan0"), "hub"), now)
	c.apply(addr("192.0.2.2"), seenOf(at(), "hub"), now)
	den := at("10.0.0.9")
	den.Fleet = "den"
	c.apply(addr("10.0.0.9"), seenOf(den, "den"), now)
	list := c.merged(func(a netip.Addr) bool { return a == addr("192.0.2.2") })
	if len(list) != 2 || list[0].Fleet != "lab" || list[1].Fleet != "den" {
		t.Fatalf("%+v", list)
	}
	if got := fmt.Sprint(list[0].Addresses); got != "[192.0.2.2 10.0.0.2 fe80::2%lan0]" {
		t.Errorf("its addresses are %s", got)
	}
}

func TestIntake(t *testing.T) {
	var i intake
	count := func(hosts int, at time.Time) (n int) {
		for k := range 10 * maxFromAll {
			if i.allows(addr(fmt.Sprintf("10.0.%d.%d", k%hosts/250, k%hosts%250+1)), at) {
				n++
			}
		}
		return n
	}
	if n := count(1, now); n != maxFromHost {
		t.Errorf("one host has %d", n)
	}
	if n := count(1000, now.Add(intakeWindow)); n != maxFromAll || len(i.hosts) > maxFromAll {
		t.Errorf("all have %d", n)
	}
	if !i.allows(addr("10.0.0.1"), now.Add(2*intakeWindow)) {
		t.Error("nobody is heard any more")
	}
}
