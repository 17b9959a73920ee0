package test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/test/cluster"
)

// TestDiscovery has hosts on a network of its own.
func TestDiscovery(t *testing.T) {
	if !onLAN(t) {
		return
	}
	t.Run("two fleets", twoFleets)
	t.Run("another address", followsAddress)
	t.Run("among false ones", amongFalse)
	t.Run("with nothing to show", withoutTrust)
	t.Run("no network", withoutNetwork)
	t.Run("off", discoveryOff)
}

// fleetOn is a cluster of a fleet whose daemons are each on the host of its name.
func fleetOn(t *testing.T, fleet string, hosts map[string]*host) *cluster.Cluster {
	t.Helper()
	return cluster.Open(t, cluster.Options{
		Host:            "[::]",
		DispatcherFlags: []string{"--fleet", fleet},
		Under:           func(name string) []string { return hosts[name].under() },
	})
}

// seeker is a worker that was told no address.
func seeker(c *cluster.Cluster, name, fleet string) *cluster.Daemon {
	return c.Worker(name, "--dispatcher", "", "--fleet", fleet)
}

type heard struct {
	Fleet, ID, Host string
	Addresses       []string
	Port            int
}

// discover is what octasklyctl hears on a host.
func discover(t *testing.T, h *host, words ...string) []heard {
	t.Helper()
	programs, err := cluster.Build()
	check(t, err)
	out := h.run(timeout(t), t, append([]string{programs.Ctl, "discover", "-o", "json"}, words...)...)
	var document struct{ Dispatchers []heard }
	check(t, json.Unmarshal([]byte(out), &document))
	return document.Dispatchers
}

// Two fleets on one network are told apart, and workers find each their own.
func twoFleets(t *testing.T) {
	lab, den, w1, w2 := newHost(t), newHost(t), newHost(t), newHost(t)
	for i, h := range []*host{lab, den, w1, w2} {
		h.join(t, fmt.Sprint("10.9.0.", i+1))
	}
	one := fleetOn(t, "lab", map[string]*host{"dispatcher": lab, "w1": w1})
	two := fleetOn(t, "den", map[string]*host{"dispatcher": den, "w2": w2})
	start(t, one.Dispatcher)
	start(t, two.Dispatcher)
	worker := seeker(one, "w1", "lab")
	start(t, worker)
	start(t, seeker(two, "w2", "den"))
	awaitLog(t, worker, `A dispatcher of this fleet is found on the network" fleet=lab`)
	if got := must(t, one, "run", "--sandbox", "none", "--", "echo", "hi"); got != "hi\n" {
		t.Errorf("it says %q", got)
	}

	list := discover(t, w1)
	if len(list) != 2 || list[0].Fleet != "den" || list[1].Fleet != "lab" || list[0].ID == list[1].ID {
		t.Fatalf("heard is %+v", list)
	}
	if !strings.HasPrefix(list[1].Addresses[0], "10.9.0.1:") || list[1].Port != portOf(t, one.Address()) {
		t.Errorf("%+v is not at %s", list[1], one.Address())
	}
	check(t, two.Dispatcher.Stop())
	if list := discover(t, w1); len(list) != 1 || list[0].Fleet != "lab" {
		t.Errorf("after its goodbye, heard is %+v", list)
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	check(t, err)
	port, err := strconv.Atoi(text)
	check(t, err)
	return port
}

// A dispatcher that comes back with another address is found again.
func followsAddress(t *testing.T) {
	hub, w1 := newHost(t), newHost(t)
	hub.join(t, "10.9.0.1")
	w1.join(t, "10.9.0.2")
	c := fleetOn(t, "lab", map[string]*host{"dispatcher": hub, "w1": w1})
	start(t, c.Dispatcher)
	worker := seeker(c, "w1", "lab")
	start(t, worker)
	awaitWorkerAt(t, c, "10.9.0.2")

	check(t, c.Dispatcher.Stop())
	hostIP(t, hub, "-4 addr flush dev lan0")
	hostIP(t, hub, "addr add 10.9.0.11/24 dev lan0")
	start(t, c.Dispatcher)
	awaitWorkerAt(t, c, "10.9.0.2")
	if !strings.Contains(worker.Logs(), "address=10.9.0.11:") {
		t.Errorf("it was found elsewhere")
	}
}

func awaitWorkerAt(t *testing.T, c *cluster.Cluster, address string) {
	t.Helper()
	awaitSuccess(t, func() bool {
		r := c.Ctl(timeout(t), "worker", "ls", "-o", "json")
		return strings.Contains(r.Stdout, `"state":"connected"`) && strings.Contains(r.Stdout, address)
	})
}

// A dispatcher with another key, and a flood of answers that anybody can make up,
// keep no worker from its own.
func amongFalse(t *testing.T) {
	hub, false1, evil, w1 := newHost(t), newHost(t), newHost(t), newHost(t)
	hub.join(t, "10.9.0.1")
	false1.join(t, "10.9.0.2")
	w1.join(t, "10.9.0.3")
	var sources []string
	for i := range 40 {
		sources = append(sources, fmt.Sprint("10.9.0.", 100+i))
	}
	evil.join(t, sources...)
	other := fleetOn(t, "lab", map[string]*host{"dispatcher": false1})
	start(t, other.Dispatcher)
	c := fleetOn(t, "lab", map[string]*host{"dispatcher": hub, "w1": w1})
	start(t, c.Dispatcher) // it makes the key
	check(t, c.Dispatcher.Stop())
	worker := seeker(c, "w1", "lab")
	check(t, worker.Launch())
	awaitLog(t, worker, "A dispatcher that is heard on the network does not take this worker")
	awaitLog(t, worker, "its fleet key is another one")
	awaitLog(t, worker, `none that is heard of fleet \"lab\" takes this worker`)

	stop := flood(t, evil, sources)
	if list := discover(t, w1, "--timeout", "1s"); len(list) == 0 || len(list) > 256 {
		t.Errorf("%d are heard in the flood", len(list))
	}
	start(t, c.Dispatcher)
	check(t, worker.AwaitReady(timeout(t)))
	awaitWorkerAt(t, c, "10.9.0.3")
	if sent := stop(); sent < 300 {
		t.Errorf("a flood of %d packets is none", sent)
	}
	if peak := peakMemory(t, worker.PID()); peak > 256<<20 {
		t.Errorf("the worker took %d MiB", peak>>20)
	}
}

// A worker that has neither key nor invite asks the only dispatcher of its fleet, and none
// of several; with a certificate it knows its own among them.
func withoutTrust(t *testing.T) {
	hub, twin, w1, w2 := newHost(t), newHost(t), newHost(t), newHost(t)
	for i, h := range []*host{hub, twin, w1, w2} {
		h.join(t, fmt.Sprint("10.9.0.", i+1))
	}
	c := fleetOn(t, "lab", map[string]*host{"dispatcher": hub, "w1": w1, "w2": w2})
	start(t, c.Dispatcher)
	first := c.Again(seeker(c, "w1", "lab"), "--join-key-file", "")
	check(t, first.Launch())
	must(t, c, "worker", "approve", "w1", codeOf(t, first))
	check(t, first.AwaitReady(timeout(t)))
	check(t, first.Stop())

	other := fleetOn(t, "lab", map[string]*host{"dispatcher": twin})
	start(t, other.Dispatcher)
	awaitSuccess(t, func() bool { return len(discover(t, w2)) == 2 })
	lost := c.Again(seeker(c, "w2", "lab"), "--join-key-file", "")
	check(t, lost.Launch())
	awaitLog(t, lost, "2 dispatchers are heard on the network, and this worker has neither key nor invite to tell them apart by")
	if line := lineWith(lost.Logs(), "2 dispatchers"); !strings.Contains(line, "10.9.0.1:") || !strings.Contains(line, "10.9.0.2:") {
		t.Errorf("it does not list them: %s", line)
	}
	if strings.Contains(lost.Logs(), "Waiting for approval") {
		t.Error("it asks one of them")
	}
	start(t, first)
	awaitWorkerAt(t, c, "10.9.0.3")
}

// flood forges answers of the fleet lab, each of another instance, until stop,
// which says how many.
func flood(t *testing.T, from *host, sources []string) (stop func() int) {
	var sockets []net.PacketConn
	for _, source := range sources {
		sockets = append(sockets, from.socket(t, source))
	}
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	done := make(chan struct{})
	sent := 0
	var running sync.WaitGroup
	running.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-pace.C:
			}
			if _, err := sockets[i%len(sockets)].WriteTo(forged(i), group); err == nil {
				sent++
			}
		}
	})
	return sync.OnceValue(func() int {
		close(done)
		running.Wait()
		return sent
	})
}

// forged is an answer that leads nowhere.
func forged(i int) []byte {
	const service = "_octaskly._tcp.local."
	head := func(name string, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET, TTL: 4500}
	}
	instance, target := fmt.Sprintf("forged%d.%s", i, service), "hub.local."
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Answers: []dnsmessage.Resource{
		{Header: head(service, dnsmessage.TypePTR), Body: &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(instance)}},
		{Header: head(instance, dnsmessage.TypeSRV), Body: &dnsmessage.SRVResource{Port: uint16(1 + i%60000), Target: dnsmessage.MustNewName(target)}},
		{Header: head(instance, dnsmessage.TypeTXT), Body: &dnsmessage.TXTResource{TXT: []string{"txtvers=1", "fleet=lab", fmt.Sprintf("id=%016x", i), "transports=tcp", "seal=00"}}},
		{Header: head(target, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: [4]byte{10, 9, 0, byte(200 + i%50)}}},
	}}
	packet, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packet
}

func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	for line := range strings.Lines(string(readFile(t, fmt.Sprintf("/proc/%d/status", pid)))) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.Fields(text)[0])
			check(t, err)
			return kb << 10
		}
	}
	t.Fatal("there is no VmHWM")
	return 0
}

// Without a network a worker says so, and goes on until there is one.
func withoutNetwork(t *testing.T) {
	hub, w1 := newHost(t), newHost(t)
	hub.join(t, "10.9.0.1")
	c := fleetOn(t, "lab", map[string]*host{"dispatcher": hub, "w1": w1})
	start(t, c.Dispatcher)
	worker := seeker(c, "w1", "lab")
	check(t, worker.Launch())
	awaitLog(t, worker, "the network cannot be asked: no network interface of this machine can multicast")
	w1.join(t, "10.9.0.2")
	check(t, worker.AwaitReady(timeout(t)))
}

// What listens on loopback alone, or is not to, announces nothing, and a worker
// that is not to listen does not.
func discoveryOff(t *testing.T) {
	hub, den, w1 := newHost(t), newHost(t), newHost(t)
	hub.join(t, "10.9.0.1")
	den.join(t, "10.9.0.2")
	w1.join(t, "10.9.0.3")
	one := cluster.Open(t, cluster.Options{Under: func(name string) []string { return map[string]*host{"dispatcher": hub, "w1": w1}[name].under() }})
	two := fleetOn(t, "den", map[string]*host{"dispatcher": den})
	start(t, one.Dispatcher)
	check(t, os.WriteFile(two.Dir+"/config/"+string(dirs.Dispatcher)+".toml", []byte("announce = false\n"), 0o600))
	start(t, two.Dispatcher)
	if list := discover(t, w1, "--timeout", "1500ms"); len(list) > 0 {
		t.Errorf("heard is %+v", list)
	}
	worker := one.Worker("w1", "--dispatcher", "", "--discover=false")
	check(t, worker.Launch())
	awaitLog(t, worker, "connection refused; where the dispatcher is elsewhere, say so with --dispatcher HOST:PORT")
	if slices.Contains(strings.Fields(worker.Logs()), "network") {
		t.Errorf("it says %s", worker.Logs())
	}
}
