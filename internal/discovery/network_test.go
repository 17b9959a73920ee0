package discovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
)

func TestIsLAN(t *testing.T) {
	const lan = net.FlagUp | net.FlagMulticast | net.FlagBroadcast | net.FlagRunning
	for name, tt := range map[string]struct {
		flags net.Flags
		want  bool
	}{
		"eth0": {lan, true}, "wlp2s0": {lan, true}, "bridge0": {lan, true}, "br0": {lan, true},
		"eth1": {lan &^ net.FlagUp, false}, "eth2": {lan &^ net.FlagMulticast, false},
		"lo": {lan | net.FlagLoopback, false}, "tun0": {lan | net.FlagPointToPoint, false},
		"docker0": {lan, false}, "veth12ab": {lan, false}, "br-0123456789ab": {lan, false}, "virbr0": {lan, false},
	} {
		if got := isLAN(&net.Interface{Name: name, Flags: tt.flags}); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := func(text string) []Interface {
			return []Interface{{"lan0", 2, []netip.Prefix{netip.MustParsePrefix(text)}}}
		}
		views := [][]Interface{lan("10.0.0.1/24"), lan("10.0.0.1/24"), lan("10.0.0.2/24"), nil, nil, lan("10.0.0.2/24")}
		ctx, cancel := context.WithCancel(t.Context())
		look := func() ([]Interface, error) {
			view := views[0]
			if views = views[1:]; len(views) == 0 {
				cancel()
			}
			if view == nil {
				return nil, errors.New("there is none")
			}
			return view, nil
		}
		var told int
		Watch(ctx, look, func([]Interface, error) { told++ })
		if told != 4 {
			t.Errorf("it tells %d times", told)
		}
	})
}
