package config

import (
	"net"
	"net/netip"
)

// Loopback reports whether HOST:PORT is reached from this machine only.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// advice is what a configuration that is right lets happen nevertheless.
func advice(cfg Config) string {
	d, ok := cfg.(*Dispatcher)
	if !ok || d.HTTPListen == "" || Loopback(d.HTTPListen) || d.Sandbox != "none" || d.SandboxFloor != "none" {
		return ""
	}
	return "http_listen, sandbox: commands from other machines run without a box, as the user of the worker; set sandbox, and sandbox_floor so that no submission goes below, to basic or strict"
}
