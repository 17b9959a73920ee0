package discovery

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// ErrNoNetwork says that no interface can multicast.
var ErrNoNetwork = errors.New("no network interface of this machine can multicast")

// Interface is one that other machines may be heard on.
type Interface struct {
	Name      string
	Index     int
	Addresses []netip.Prefix // with the lengths of their networks
}

// Interfaces are those that are up and multicast. Those of containers and of
// virtual machines' own networks are left out: nobody is there who is not on this
// machine.
func Interfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var list []Interface
	for _, i := range all {
		if !isLAN(&i) {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue // it has gone meanwhile
		}
		if found := prefixes(addresses); len(found) > 0 {
			list = append(list, Interface{i.Name, i.Index, found})
		}
	}
	return list, nil
}

const wanted, unwanted = net.FlagUp | net.FlagMulticast, net.FlagLoopback | net.FlagPointToPoint

func isLAN(i *net.Interface) bool {
	return i.Flags&wanted == wanted && i.Flags&unwanted == 0 && !isVirtual(i.Name)
}

var virtual = []string{"docker", "veth", "br-", "virbr", "vnet", "cni", "flannel", "cali", "podman", "lxc", "lxd", "incusbr"}

func isVirtual(name string) bool {
	return slices.ContainsFunc(virtual, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func prefixes(addresses []net.Addr) (list []netip.Prefix) {
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(ip.IP)
		ones, _ := ip.Mask.Size()
		if addr = addr.Unmap(); ok && isSomebody(addr) {
			list = append(list, netip.PrefixFrom(addr, ones))
		}
	}
	return list
}

// zoned gives an address of one link the interface that it was heard on.
func zoned(addr netip.Addr, name string) netip.Addr {
	if addr.Is6() && addr.IsLinkLocalUnicast() {
		return addr.WithZone(name)
	}
	return addr
}

// near reports whether an address is in a network of one of these.
func near(list []Interface, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(i Interface) bool {
		return slices.ContainsFunc(i.Addresses, func(p netip.Prefix) bool { return p.Contains(addr) })
	})
}
