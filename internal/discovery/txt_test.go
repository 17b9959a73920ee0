package discovery

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameAnnouncement = cmp.Options{cmpopts.EquateComparable(netip.Addr{})}

func lab() Announcement {
	return Announcement{
		Host: "hub", Port: 7878, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")},
		Fleet: "lab", ID: "0123456789abcdef", Protocol: 3, Version: "1.2.3+5.g0e11d8e", Transports: []string{"quic", "tcp"}, REST: 3000, Seal: "ab12",
	}
}

func TestTXT(t *testing.T) {
	want := lab()
	got := Announcement{Host: want.Host, Port: want.Port, Addresses: want.Addresses}
	check(t, got.parseTXT(want.TXT()))
	check(t, got.check())
	if diff := cmp.Diff(want, got, sameAnnouncement); diff != "" {
		t.Error(diff)
	}
	if got.Text() != want.Text() {
		t.Errorf("%q is sealed, and %q was", got.Text(), want.Text())
	}
}

// Whoever repeats a seal can change nothing.
func TestTextHasEverything(t *testing.T) {
	a := lab()
	for name, change := range map[string]func(*Announcement){
		"host":       func(a *Announcement) { a.Host = "bub" },
		"port":       func(a *Announcement) { a.Port++ },
		"address":    func(a *Announcement) { a.Addresses = []netip.Addr{netip.MustParseAddr("10.0.0.3")} },
		"addresses":  func(a *Announcement) { a.Addresses = append(a.Addresses, netip.MustParseAddr("10.0.0.1")) },
		"fleet":      func(a *Announcement) { a.Fleet = "den" },
		"id":         func(a *Announcement) { a.ID = "1123456789abcdef" },
		"protocol":   func(a *Announcement) { a.Protocol++ },
		"version":    func(a *Announcement) { a.Version = "1.2.4" },
		"transports": func(a *Announcement) { a.Transports = nil },
		"rest":       func(a *Announcement) { a.REST = 0 },
	} {
		b := lab()
		if change(&b); a.Text() == b.Text() {
			t.Errorf("%s may be changed", name)
		}
	}
}

func TestTXTRefused(t *testing.T) {
	for name, change := range map[string]struct{ old, new string }{
		"version of the list":  {"txtvers=1", "txtvers=2"},
		"control characters":   {"fleet=lab", "fleet=la\x1b[2Jb"},
		"no fleet":             {"fleet=lab", "fleet"},
		"a long fleet":         {"fleet=lab", "fleet=" + strings.Repeat("a", 65)},
		"an id of letters":     {"id=0123", "id=xyz"},
		"a protocol of words":  {"protocol=3", "protocol=three"},
		"a huge protocol":      {"protocol=3", "protocol=99999999"},
		"a number in disguise": {"protocol=3", "protocol=03"},
		"a port out of range":  {"rest=3000", "rest=65536"},
		"newlines":             {"version=1.2.3", "version=1.2.3\nfleet=den"},
		"many transports":      {"transports=quic,tcp", "transports=a,b,c,d,e"},
		"an odd transport":     {"transports=quic,tcp", "transports=quic,\u202e"},
		"a seal of letters":    {"seal=ab12", "seal=q"},
	} {
		good := lab()
		lines := strings.Split(strings.Replace(strings.Join(good.TXT(), "\x00"), change.old, change.new, 1), "\x00")
		got := Announcement{Host: "hub", Port: 1}
		if err := got.parseTXT(lines); err == nil && got.check() == nil {
			t.Errorf("%s: %q is accepted", name, lines)
		}
	}
	if new(Announcement).parseTXT(make([]string, maxLines+1)) == nil {
		t.Error("a record of too many lines is accepted")
	}
}

func FuzzTXT(f *testing.F) {
	a := lab()
	f.Add(strings.Join(a.TXT(), "\x00"))
	f.Add("txtvers=1\x00fleet=lab\x00id=ab\x00fleet=den\x00=\x00x")
	f.Fuzz(func(t *testing.T, text string) {
		a := Announcement{Host: "hub", Port: 1}
		if a.parseTXT(strings.Split(text, "\x00")) != nil || a.check() != nil {
			return
		}
		b := Announcement{Host: "hub", Port: 1}
		if err := b.parseTXT(a.TXT()); err != nil || a.Text() != b.Text() || a.Seal != b.Seal {
			t.Errorf("%+v comes back as %+v, %v", a, b, err)
		}
		if strings.ContainsFunc(strings.Join(a.TXT(), ""), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is no plain text", a.TXT())
		}
	})
}
