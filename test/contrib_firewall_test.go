package test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// With the example loaded, the workers' port is open to their network and to the
// machine itself, by TCP and UDP, and to nobody else.
func TestFirewallExample(t *testing.T) {
	having(t, "nft", "nftables")
	if !onLAN(t) {
		return
	}
	dispatcher, worker, stranger := newHost(t), newHost(t), newHost(t)
	dispatcher.join(t, "10.20.0.5", "10.30.0.5")
	worker.join(t, "10.20.0.6")
	stranger.join(t, "10.30.0.6")
	door := openDoor(t, dispatcher)
	type way struct {
		who     string
		from    *host
		address string
	}
	inside, outside := []way{{"worker", worker, "10.20.0.5:7878"}, {"machine itself", dispatcher, "127.0.0.1:7878"}}, way{"stranger", stranger, "10.30.0.5:7878"}
	for _, w := range append(inside, outside) {
		if err := door.knock(t, w.from, w.address, patience); err != nil {
			t.Fatalf("without a firewall, the %s: %v", w.who, err)
		}
	}
	dispatcher.run(timeout(t), t, "nft", "-f", "../contrib/firewall/octaskly.nft")
	if err := door.knock(t, outside.from, outside.address, silence); err == nil {
		t.Error("the stranger gets in")
	}
	for _, w := range inside { // the stranger's packet would come before theirs
		if err := door.knock(t, w.from, w.address, patience); err != nil {
			t.Errorf("the %s: %v", w.who, err)
		}
	}
}

// door is what listens where workers are awaited.
type door struct {
	tcp net.Listener
	udp net.PacketConn
}

func openDoor(t *testing.T, h *host) *door {
	t.Helper()
	d := &door{}
	check(t, h.within(func() (err error) {
		if d.tcp, err = net.Listen("tcp4", ":7878"); err == nil {
			d.udp, err = net.ListenPacket("udp4", ":7878")
		}
		return err
	}))
	t.Cleanup(func() { d.tcp.Close(); d.udp.Close() })
	return d
}

// silence has to be taken for an answer: who is dropped hears nothing.
const silence = time.Second

// knock comes by TCP and by UDP, and waits so long for either.
func (d *door) knock(t *testing.T, from *host, address string, patience time.Duration) error {
	t.Helper()
	var said string
	err := from.within(func() error {
		conn, err := net.DialTimeout("tcp4", address, patience)
		if err == nil {
			conn.Close()
		}
		packets, problem := net.Dial("udp4", address)
		if problem != nil {
			return problem
		}
		defer packets.Close()
		said = packets.LocalAddr().String()
		if _, problem := packets.Write([]byte(said)); problem != nil {
			return problem
		}
		return err
	})
	if err != nil {
		return err
	}
	buf := make([]byte, 100)
	d.udp.SetReadDeadline(time.Now().Add(patience))
	n, _, err := d.udp.ReadFrom(buf)
	if err != nil || string(buf[:n]) != said {
		return fmt.Errorf("the packet of %s: %q, %v", said, buf[:n], err)
	}
	return nil
}

// within calls f with the host's network.
func (h *host) within(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.pid))
		if err == nil {
			defer file.Close()
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}
