package discovery

import (
	"net/netip"
	"time"
)

const (
	intakeWindow = time.Second
	maxFromHost  = 50   // packets in a window
	maxFromAll   = 2000 // which bounds how many hosts are remembered, too
)

// intake bounds how many packets are looked at. It is for one goroutine.
type intake struct {
	began time.Time
	all   int
	hosts map[netip.Addr]int
}

func (i *intake) allows(from netip.Addr, now time.Time) bool {
	if i.hosts == nil || now.Sub(i.began) >= intakeWindow {
		*i = intake{began: now, hosts: map[netip.Addr]int{}}
	}
	if i.all >= maxFromAll || i.hosts[from] >= maxFromHost {
		return false
	}
	i.all++
	i.hosts[from]++
	return true
}
