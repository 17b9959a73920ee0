package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// port is that of multicast DNS. Go shares it (SO_REUSEADDR, which avahi and
// systemd-resolved set as well), as always where it listens to a group.
const port = 5353

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
)

// maxPacket is what RFC 6762 §17 allows.
const maxPacket = 9000

// socket listens to the group of one family.
type socket interface {
	// receive returns where a packet was heard, 0 if it was for us alone.
	receive(buf []byte) (n, index int, from net.Addr, err error)
	send(packet []byte, index int) error
	Close() error
}

// openSockets opens those that it can, and fails if there are none.
func openSockets(list []Interface) ([]socket, error) {
	s4, err4 := open4(list)
	s6, err6 := open6(list)
	var sockets []socket
	if err4 == nil {
		sockets = append(sockets, s4)
	}
	if err6 == nil {
		sockets = append(sockets, s6)
	}
	if len(sockets) == 0 {
		return nil, fmt.Errorf("cannot listen to multicast DNS: %w", errors.Join(err4, err6))
	}
	return sockets, nil
}

type socket4 struct{ *ipv4.PacketConn }

func open4(list []Interface) (socket4, error) {
	conn, err := net.ListenUDP("udp4", group4)
	if err != nil {
		return socket4{}, err
	}
	s := socket4{ipv4.NewPacketConn(conn)}
	err = join(list, func(i *net.Interface) error { return s.JoinGroup(i, group4) })
	if err == nil {
		err = s.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true)
	}
	if err == nil {
		err = s.SetMulticastTTL(255)
	}
	if err != nil {
		conn.Close()
	}
	return s, err
}

func (s socket4) receive(buf []byte) (n, index int, from net.Addr, err error) {
	n, control, from, err := s.ReadFrom(buf)
	if control != nil && control.Dst.IsMulticast() {
		index = control.IfIndex
	}
	return n, index, from, err
}

func (s socket4) send(packet []byte, index int) error {
	_, err := s.WriteTo(packet, &ipv4.ControlMessage{IfIndex: index}, group4)
	return err
}

type socket6 struct{ *ipv6.PacketConn }

func open6(list []Interface) (socket6, error) {
	conn, err := net.ListenUDP("udp6", group6)
	if err != nil {
		return socket6{}, err
	}
	s := socket6{ipv6.NewPacketConn(conn)}
	err = join(list, func(i *net.Interface) error { return s.JoinGroup(i, group6) })
	if err == nil {
		err = s.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true)
	}
	if err == nil {
		err = s.SetMulticastHopLimit(255)
	}
	if err != nil {
		conn.Close()
	}
	return s, err
}

func (s socket6) receive(buf []byte) (n, index int, from net.Addr, err error) {
	n, control, from, err := s.ReadFrom(buf)
	if control != nil && control.Dst.IsMulticast() {
		index = control.IfIndex
	}
	return n, index, from, err
}

func (s socket6) send(packet []byte, index int) error {
	_, err := s.WriteTo(packet, &ipv6.ControlMessage{IfIndex: index}, group6)
	return err
}

// join fails if there is no interface on which it can.
func join(list []Interface, on func(*net.Interface) error) error {
	var errs []error
	for _, i := range list {
		if err := on(&net.Interface{Index: i.Index, Name: i.Name}); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i.Name, err))
		}
	}
	if len(errs) < len(list) {
		return nil
	}
	return errors.Join(errs...)
}

// speaker is who has sent a packet, if he speaks multicast DNS (RFC 6762 §6).
func speaker(from net.Addr) (netip.Addr, bool) {
	udp, ok := from.(*net.UDPAddr)
	if !ok || udp.Port != port {
		return netip.Addr{}, false
	}
	addr := udp.AddrPort().Addr().Unmap()
	return addr, isSomebody(addr)
}
