package announce

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/discovery"
)

const insideVar = "OCTASKLY_TEST_INSIDE"

// inside runs a test again in a process with a network of its own, which ends with
// it, and is true there.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVar) == t.Name() {
		return true
	}
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Skip("it takes root and ip(8), of iproute2, to make a network of one's own")
	}
	runtime.LockOSThread() // which Pdeathsig goes by
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), insideVar+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine permits no network of one's own")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func ip(t *testing.T, words string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(words)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", words, err, out)
	}
}

// lan is one link with both ends here.
func lan(t *testing.T) {
	ip(t, "link set lo up")
	ip(t, "link add lan0 type veth peer name lan1")
	ip(t, "addr add 10.9.0.1/24 dev lan0")
	ip(t, "link set lan0 up")
	ip(t, "link set lan1 up")
}

// run announces until the test or stop ends it.
func run(t *testing.T, c Config) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { Run(ctx, c) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

func config() Config {
	return Config{
		Announcement: discovery.Announcement{Fleet: "lab", ID: "0123456789abcdef", Protocol: 1, Version: "1.2.3", Transports: []string{"tcp"}, REST: 3000},
		Listen:       netip.MustParseAddrPort("[::]:7878"), Seal: func(string) string { return "ab" }, Log: slog.New(slog.DiscardHandler),
	}
}

func listen(t *testing.T) *discovery.Browser {
	b, err := discovery.Listen(func(a *discovery.Announcement) bool { return a.Seal == "ab" })
	check(t, err)
	t.Cleanup(b.Close)
	return b
}

// await is what is heard once good is content.
func await(t *testing.T, b *discovery.Browser, good func([]discovery.Heard) bool) []discovery.Heard {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		if heard := b.Heard(); good(heard) {
			return heard
		}
		select {
		case <-b.Changed():
		case <-patience:
			t.Fatalf("heard is %+v", b.Heard())
		}
	}
}

func has(text string) func([]discovery.Heard) bool {
	return func(heard []discovery.Heard) bool {
		return len(heard) == 1 && slices.Contains(heard[0].Addresses, netip.MustParseAddr(text))
	}
}

func TestHeard(t *testing.T) {
	if !inside(t) {
		return
	}
	lan(t)
	b := listen(t)
	stop := run(t, config())
	h := await(t, b, has("10.9.0.1"))[0]
	if h.Fleet != "lab" || h.Port != 7878 || h.REST != 3000 || h.Version != "1.2.3" || h.ID != "0123456789abcdef" || !h.Preferred {
		t.Errorf("%+v", h)
	}
	await(t, listen(t), has("10.9.0.1")) // who comes later asks

	ip(t, "addr add 10.9.0.7/24 dev lan0")
	await(t, b, has("10.9.0.7"))

	stop()
	await(t, b, func(heard []discovery.Heard) bool { return len(heard) == 0 })
}

// Two on one machine are two, by their ports, and by their fleets.
func TestTwoAreHeard(t *testing.T) {
	if !inside(t) {
		return
	}
	lan(t)
	run(t, config())
	other := config()
	other.Listen, other.Fleet = netip.MustParseAddrPort("[::]:7879"), "den"
	stop := run(t, other)
	b := listen(t)
	await(t, b, func(heard []discovery.Heard) bool {
		return len(heard) == 2 && heard[0].Fleet == "den" && heard[1].Fleet == "lab"
	})
	stop()
	await(t, b, func(heard []discovery.Heard) bool { return len(heard) == 1 && heard[0].Fleet == "lab" })
}

// Without a network there is nothing to announce on, until there is one.
func TestNetworkComes(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	if _, err := discovery.Listen(nil); !errors.Is(err, discovery.ErrNoNetwork) {
		t.Errorf("listening on loopback: %v", err)
	}
	run(t, config())
	lan(t)
	await(t, listen(t), has("10.9.0.1"))
}
