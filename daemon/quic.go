package main

import (
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/transport"
)

// tellSlow says once that QUIC could be faster.
func tellSlow(log *slog.Logger) func(error) {
	var once sync.Once
	return func(why error) {
		once.Do(func() { log.Info("QUIC works, but could be faster on this machine", "why", why) })
	}
}

// workersUDP is the socket by which workers come in that use QUIC: the service
// manager's, or one on the port at which they come in by TCP. Without it, nil, the
// dispatcher serves those that use TCP.
func workersUDP(p *process, c *config.Dispatcher, port net.Listener) *net.UDPConn {
	if !c.QUIC {
		return nil
	}
	conn, err := openUDP(p, port)
	if err != nil {
		p.log.Warn("Workers cannot use QUIC, only TCP; quic = false says so to this dispatcher", "why", err)
		return nil
	}
	return conn
}

func openUDP(p *process, port net.Listener) (*net.UDPConn, error) {
	passed, err := p.sockets.Packet("workers")
	if err != nil {
		return nil, err
	}
	if conn, ok := passed.(*net.UDPConn); ok {
		return conn, nil
	}
	addr, ok := port.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("the service manager's socket for workers is %s, which has no port", port.Addr())
	}
	return net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Zone: addr.Zone, Port: addr.Port})
}

// listenForWorkers awaits them on both sockets, which it closes if it cannot.
func listenForWorkers(port net.Listener, udp *net.UDPConn, cfg transport.Config) (transport.Listener, error) {
	byTCP, err := transport.ListenTCP(port, cfg)
	if err != nil {
		port.Close()
		if udp != nil {
			udp.Close()
		}
		return nil, err
	}
	if udp == nil {
		return byTCP, nil
	}
	byQUIC, err := transport.ListenQUIC(udp, cfg)
	if err != nil {
		udp.Close()
		byTCP.Close()
		return nil, err
	}
	return transport.Both(byTCP, byQUIC), nil
}
