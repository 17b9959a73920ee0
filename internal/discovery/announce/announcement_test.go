package announce

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/octaskly/octaskly/internal/discovery"
)

func TestAnnouncement(t *testing.T) {
	lan := []discovery.Interface{
		{Name: "lan0", Index: 2, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/24"), netip.MustParsePrefix("fe80::2/64")}},
		{Name: "lan1", Index: 3, Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.2/24")}},
	}
	for listen, want := range map[string]string{
		"[::]:7878":     "[10.0.0.2 10.1.0.2 fe80::2] 2",
		"0.0.0.0:7878":  "[10.0.0.2 10.1.0.2] 2",
		"10.1.0.2:7878": "[10.1.0.2] 1",
		"10.2.0.2:7878": "[] 0",
	} {
		c := Config{Listen: netip.MustParseAddrPort(listen), Seal: func(text string) string { return fmt.Sprintf("%x", text[:2]) }}
		a := c.announcement(lan)
		if got := fmt.Sprint(a.Addresses, len(a.interfaces)); got != want || a.Port != 7878 || a.Seal == "" {
			t.Errorf("%s: %s, %+v, want %s", listen, got, a, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for text, want := range map[string]bool{"0.0.0.0": true, "::": true, "10.0.0.1": true, "127.0.0.1": false, "127.9.9.9": false, "::1": false} {
		if got := Reachable(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
