package discovery

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

func nameOf(text string) dnsmessage.Name { return dnsmessage.MustNewName(text) }

// packetOf is an answer as zeroconf gives it.
func packetOf(a *Announcement, instance string, ttl uint32) []byte {
	head := func(name string, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: nameOf(name), Type: kind, Class: dnsmessage.ClassINET | 1<<15, TTL: ttl}
	}
	host, name := a.Host+domain, instance+"."+TCP+domain
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Answers: []dnsmessage.Resource{
		{Header: head(TCP+domain, dnsmessage.TypePTR), Body: &dnsmessage.PTRResource{PTR: nameOf(name)}},
	}, Additionals: []dnsmessage.Resource{
		{Header: head(name, dnsmessage.TypeSRV), Body: &dnsmessage.SRVResource{Port: a.Port, Target: nameOf(host)}},
		{Header: head(name, dnsmessage.TypeTXT), Body: &dnsmessage.TXTResource{TXT: a.TXT()}},
	}}
	for _, addr := range a.Addresses {
		if addr.Is4() {
			m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: head(host, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: addr.As4()}})
		} else {
			m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: head(host, dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	packet, err := m.Pack()
	must(err)
	return packet
}

func TestParsePacket(t *testing.T) {
	want := lab()
	want.Addresses = []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::1")}
	told := want
	told.Addresses = append(told.Addresses, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("224.0.0.1"), netip.MustParseAddr("255.255.255.255"))
	seen, err := parsePacket(packetOf(&told, "Hub-7878", 120))
	check(t, err)
	if len(seen) != 1 || seen[0].life != 2*time.Minute || seen[0].gone || seen[0].instance != "hub-7878._octaskly._tcp.local." {
		t.Fatalf("%+v", seen)
	}
	if diff := cmp.Diff(want, seen[0].Announcement, sameAnnouncement); diff != "" {
		t.Error(diff)
	}
}

func TestParsePacketLives(t *testing.T) {
	a := lab()
	seen, err := parsePacket(packetOf(&a, "hub", 0))
	if err != nil || len(seen) != 1 || !seen[0].gone {
		t.Errorf("a goodbye is %+v, %v", seen, err)
	}
	seen, err = parsePacket(packetOf(&a, "hub", 1<<31))
	if err != nil || len(seen) != 1 || seen[0].life != maxLife {
		t.Errorf("a long life is %+v, %v", seen, err)
	}
}

func TestParsePacketRefused(t *testing.T) {
	bad := func(change func(*Announcement)) []byte {
		a := lab()
		change(&a)
		return packetOf(&a, "hub", 120)
	}
	question := bad(func(*Announcement) {})
	question[2] &^= 0x80
	for name, packet := range map[string][]byte{
		"a query":          question,
		"port 0":           bad(func(a *Announcement) { a.Port = 0 }),
		"an escape":        bad(func(a *Announcement) { a.Host = "h\x1b[1mub" }),
		"a long host":      bad(func(a *Announcement) { a.Host = strings.Repeat("h\x00", 20) }),
		"an odd fleet":     bad(func(a *Announcement) { a.Fleet = "lab lab" }),
		"half":             bad(func(*Announcement) {})[:60],
		"nothing":          nil,
		"other services":   packetOf(&Announcement{Host: "hub"}, "x._ipp", 120)[:12],
		"no records, much": {0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		if seen, err := parsePacket(packet); len(seen) > 0 {
			t.Errorf("%s: %+v, %v", name, seen, err)
		}
	}
}

func TestQuery(t *testing.T) {
	var m dnsmessage.Message
	check(t, m.Unpack(query()))
	if len(m.Questions) != 2 || m.Response || m.Questions[0].Name.String() != "_octaskly._tcp.local." {
		t.Errorf("%+v", m)
	}
	var pauses []time.Duration
	for pause := nextPause(0); len(pauses) < 6; pause = nextPause(pause) {
		pauses = append(pauses, pause/time.Second)
	}
	if diff := cmp.Diff([]time.Duration{1, 3, 9, 27, 60, 60}, pauses); diff != "" {
		t.Error(diff)
	}
}

func FuzzPacket(f *testing.F) {
	a := lab()
	f.Add(packetOf(&a, "hub", 120))
	f.Add(packetOf(&a, "hub", 0))
	f.Add(query())
	f.Fuzz(func(t *testing.T, packet []byte) {
		seen, _ := parsePacket(packet)
		for _, s := range seen {
			if s.gone {
				continue
			}
			if err := s.check(); err != nil || s.life <= 0 || s.life > maxLife || len(s.Addresses) > maxAddresses {
				t.Errorf("%+v, %v", s, err)
			}
		}
	})
}
