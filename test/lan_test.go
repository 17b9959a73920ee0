package test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const lanVar = "OCTASKLY_TEST_LAN"

// onLAN runs a test again in a process with a network of its own, which is the
// switch that hosts are joined to, and is true there. All of it ends with that
// process.
func onLAN(t *testing.T) bool {
	t.Helper()
	if os.Getenv(lanVar) == t.Name() {
		hostIP(t, nil, "link set lo up")
		hostIP(t, nil, "link add switch type bridge mcast_snooping 0")
		hostIP(t, nil, "link set switch up")
		return true
	}
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil || os.Getuid() != 0 {
			t.Skipf("hosts as network namespaces take root, ip(8) and nsenter(1)")
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+flag.Lookup("test.timeout").Value.String())
	cmd.Env = append(os.Environ(), lanVar+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // which Pdeathsig goes by
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skip("this machine permits no network namespaces")
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Skipf("%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("%v\n%s", err, out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
	return false
}

// host is a network namespace, held by a process that sleeps.
type host struct{ pid int }

// newHost makes one that has loopback alone.
func newHost(t *testing.T) *host {
	t.Helper()
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	h := &host{cmd.Process.Pid}
	hostIP(t, h, "link set lo up")
	return h
}

// join plugs a host into the switch.
func (h *host) join(t *testing.T, addresses ...string) {
	t.Helper()
	// By the process: a link goes with its namespace, some time after that has ended.
	hostIP(t, nil, fmt.Sprintf("link add to-%d type veth peer name lan0 netns %d", h.pid, h.pid))
	hostIP(t, nil, fmt.Sprintf("link set to-%d master switch up", h.pid))
	for _, a := range addresses {
		hostIP(t, h, "addr add "+a+"/24 dev lan0")
	}
	hostIP(t, h, "link set lan0 up")
}

// under are the words that run a program there.
func (h *host) under() []string {
	if h == nil {
		return nil
	}
	return []string{"nsenter", "-t", strconv.Itoa(h.pid), "-n", "--"}
}

// hostIP runs ip(8) on a host; nil is the switch.
func hostIP(t *testing.T, h *host, words string) {
	t.Helper()
	argv := append(append(h.under(), "ip"), strings.Fields(words)...)
	if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", words, err, out)
	}
}

// socket is one of a host's, for multicast DNS from an address.
func (h *host) socket(t *testing.T, from string) net.PacketConn {
	t.Helper()
	type result struct {
		net.PacketConn
		error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.pid))
		if err == nil {
			defer file.Close()
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		}
		if err != nil {
			done <- result{nil, err}
			return
		}
		conn, err := net.ListenPacket("udp4", netip.AddrPortFrom(netip.MustParseAddr(from), 5353).String())
		done <- result{conn, err}
	}()
	r := <-done
	check(t, r.error)
	t.Cleanup(func() { r.Close() })
	return r.PacketConn
}

// run is a program on a host, which has to succeed.
func (h *host) run(ctx context.Context, t *testing.T, words ...string) string {
	t.Helper()
	argv := append(h.under(), words...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", words, err, out, stderr.String())
	}
	return string(out)
}
