package announce

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/libp2p/zeroconf/v2"

	"github.com/octaskly/octaskly/internal/discovery"
)

// life is that of an announcement nobody repeats, in seconds: RFC 6762 §10 has it
// for what depends on addresses.
const life = 120

// Config is what is announced.
type Config struct {
	// Announcement needs no Host, Port, Addresses and Seal.
	discovery.Announcement
	// Listen is where workers are awaited; an unspecified address is all of them.
	Listen netip.AddrPort
	// Seal makes the seal of a text. If nil, there is none.
	Seal func(text string) string
	Log  *slog.Logger
}

// Reachable reports whether others can come to what listens at addr.
func Reachable(addr netip.Addr) bool { return addr.IsValid() && !addr.IsLoopback() }

// Run announces until ctx is done, and then says goodbye.
func Run(ctx context.Context, c Config) {
	var on *announced
	defer func() { on.end(c.Log) }()
	discovery.Watch(ctx, discovery.Interfaces, func(list []discovery.Interface, err error) {
		on.end(c.Log)
		on = nil
		if err == nil {
			on, err = c.register(list)
		}
		if err != nil {
			c.Log.Warn("This dispatcher is not announced on the network; workers need its address", "why", err)
		}
	})
}

// announced is an announcement that the network is being told.
type announced struct {
	discovery.Announcement
	instance   string
	interfaces []discovery.Interface
	servers    []*zeroconf.Server
}

func (on *announced) end(log *slog.Logger) {
	if on == nil {
		return
	}
	for _, s := range on.servers {
		s.Shutdown()
	}
	if err := discovery.Goodbye(on.interfaces, on.instance, services(on.Transports), on.Host, on.Port); err != nil {
		log.Debug("Not everybody may know that this dispatcher is gone", "why", err)
	}
}

func (c *Config) register(list []discovery.Interface) (*announced, error) {
	on := c.announcement(list)
	if len(on.interfaces) == 0 {
		return nil, fmt.Errorf("%w with an address at which it listens", discovery.ErrNoNetwork)
	}
	var addresses []string
	for _, addr := range on.Addresses {
		addresses = append(addresses, addr.String())
	}
	var interfaces []net.Interface
	for _, i := range on.interfaces {
		interfaces = append(interfaces, net.Interface{Index: i.Index, Name: i.Name})
	}
	for _, service := range services(on.Transports) {
		s, err := zeroconf.RegisterProxy(on.instance, service, "local", int(on.Port), on.Host+".local.", addresses, on.TXT(), interfaces, zeroconf.TTL(life))
		if err != nil {
			on.end(c.Log)
			return nil, err
		}
		on.servers = append(on.servers, s)
	}
	c.Log.Info("This dispatcher is announced on the network", "fleet", on.Fleet, "instance", on.instance, "addresses", strings.Join(addresses, " "))
	return on, nil
}

// announcement is c's on the interfaces that have an address of it.
func (c *Config) announcement(list []discovery.Interface) *announced {
	a := &announced{Announcement: c.Announcement}
	a.Host, a.Port = host(), c.Listen.Port()
	a.instance = label(a.Host) + "-" + strconv.Itoa(int(a.Port))
	for _, i := range list {
		if own := addresses(c.Listen.Addr(), i.Addresses); len(own) > 0 {
			a.Addresses = append(a.Addresses, own...)
			a.interfaces = append(a.interfaces, i)
		}
	}
	slices.SortFunc(a.Addresses, netip.Addr.Compare)
	a.Addresses = slices.Compact(a.Addresses)
	a.Addresses = a.Addresses[:min(len(a.Addresses), maxAddresses)]
	if c.Seal != nil {
		a.Seal = c.Seal(a.Text())
	}
	return a
}

// maxAddresses is what a packet has room for, and more than package discovery
// takes.
const maxAddresses = 16

// addresses are those of an interface at which listen listens.
func addresses(listen netip.Addr, all []netip.Prefix) (own []netip.Addr) {
	for _, p := range all {
		switch addr := p.Addr(); {
		case listen == netip.IPv4Unspecified() && !addr.Is4():
		case listen.IsUnspecified() || listen.WithZone("") == addr:
			own = append(own, addr)
		}
	}
	return own
}

func services(transports []string) []string {
	if slices.Contains(transports, "quic") {
		return []string{discovery.UDP, discovery.TCP}
	}
	return []string{discovery.TCP}
}
