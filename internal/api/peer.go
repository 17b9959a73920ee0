package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// peer is who is at the other end of a connection.
type peer struct {
	uid  int        // of the process that connected; -1: not known
	addr netip.Addr // of a connection over TCP
}

// peerOf asks the kernel.
func peerOf(conn net.Conn) peer {
	p := peer{uid: peerUID(conn)}
	if remote, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		p.addr = remote.AddrPort().Addr().Unmap().WithZone("")
	}
	return p
}

// String is what the audit log says of p.
func (p peer) String() string {
	switch {
	case p.addr.IsValid():
		return p.addr.String()
	case p.uid >= 0:
		return fmt.Sprintf("unix uid=%d", p.uid)
	}
	return "unix"
}

// networkBits is what one household gets of IPv6: addresses in it cost nothing.
const networkBits = 64

// network is whom p shares bounds with.
func (p peer) network() peer {
	if p.addr.Is6() {
		p.addr = netip.PrefixFrom(p.addr, networkBits).Masked().Addr()
	}
	return p
}

// connection is what is known of a connection from its start.
type connection struct {
	peer     peer
	door     door
	stopping context.Context // done when the daemon stops
	over     int             // if its peer has too many: how many he may have
}

type connectionKey struct{}

// connectionOf is the one that ctx, a request's, came in by.
func connectionOf(ctx context.Context) connection {
	if c, ok := ctx.Value(connectionKey{}).(connection); ok {
		return c
	}
	return connection{peer: peer{uid: -1}, stopping: context.Background()}
}

// limitedOf is the connection below TLS.
func limitedOf(conn net.Conn) *limitConn {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return conn.(*limitConn)
}

// peerUID asks the kernel who connected, see SO_PEERCRED in unix(7). It is -1
// where that cannot be known, as over TCP.
func peerUID(conn net.Conn) int {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return -1
	}
	raw, err := local.SyscallConn()
	if err != nil {
		return -1
	}
	uid := -1
	err = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	if err != nil {
		return -1
	}
	return uid
}
