package main

import (
	"context"
	"log"
	"log/slog"
	"net"
	"net/netip"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/discovery"
	"github.com/octaskly/octaskly/internal/discovery/announce"
	"github.com/octaskly/octaskly/internal/protocol"
)

// announceUntil tells the network of a dispatcher that awaits workers at addr,
// until ctx is done, if it is to and others can come there.
func announceUntil(ctx context.Context, p *process, c *config.Dispatcher, d *parts, at net.Addr, quic bool) {
	listen := addrPortOf(at)
	if !c.Announce || !announce.Reachable(listen.Addr()) {
		return
	}
	transports := []string{"tcp"}
	if quic {
		transports = []string{"quic", "tcp"}
	}
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(p.log.Handler(), slog.LevelDebug).Writer()) // where zeroconf talks
	announce.Run(ctx, announce.Config{
		Announcement: discovery.Announcement{
			Fleet: c.Fleet, ID: fleetID(d.keys.Present()), Protocol: protocol.Version, Version: version, Transports: transports, REST: d.rest.port(),
		},
		Listen: listen, Seal: sealer(d.keys.Present()), Log: p.log,
	})
}

// addrPortOf is zero for what is no address of IP.
func addrPortOf(at net.Addr) netip.AddrPort {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// port is that of HTTPS for other machines, 0 if there is none.
func (d *restDoor) port() uint16 {
	if d == nil || d.config == nil {
		return 0
	}
	if at := addrPortOf(d.ln.Addr()); announce.Reachable(at.Addr()) {
		return at.Port()
	}
	return 0
}
