package test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
	"github.com/octaskly/octaskly/test/far"
)

// TestFarAway has a worker at the other end of a line that is long, slow or bad.
func TestFarAway(t *testing.T) {
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("lines of their own take TUN devices")
	}
	if !onLAN(t) {
		return
	}
	for _, by := range []string{"tcp", "quic"} {
		t.Run(by+" loses", func(t *testing.T) { arrivesWhole(t, by) })
		t.Run(by+" flood", func(t *testing.T) { floodDelaysNothing(t, by) })
	}
}

// hundred is a line of 100 Mbit/s and 20 ms there and back.
var hundred = far.Quality{Delay: 10 * time.Millisecond, Rate: 100e6}

// awayFrom is a fleet of a dispatcher, and a worker w1 at the other end of a line.
func awayFrom(t *testing.T, by string, q far.Quality) *cluster.Cluster {
	t.Helper()
	here, there := newHost(t), newHost(t)
	a, err := far.End(here.pid, "far0")
	check(t, err)
	b, err := far.End(there.pid, "far0")
	check(t, err)
	line := far.Join(a, b, q)
	t.Cleanup(line.Close)
	for _, end := range []struct {
		*host
		is, peer string
	}{{here, "10.8.0.1", "10.8.0.2"}, {there, "10.8.0.2", "10.8.0.1"}} {
		hostIP(t, end.host, fmt.Sprintf("addr add %s peer %s dev far0", end.is, end.peer))
		hostIP(t, end.host, "link set far0 up")
	}
	hosts := map[string]*host{"dispatcher": here, "w1": there}
	c := cluster.Open(t, cluster.Options{
		Host:  "10.8.0.1",
		Under: func(name string) []string { return hosts[name].under() },
	})
	start(t, c.Dispatcher)
	start(t, c.Worker("w1", "--transport", by))
	return c
}

// What is lost, doubled and overtaken on the way arrives whole, once and in order.
func arrivesWhole(t *testing.T, by string) {
	bad := hundred
	bad.Lost, bad.Doubled, bad.Late = 0.02, 0.02, 0.05
	c := awayFrom(t, by, bad)
	const command = "seq 100000; seq 5000 >&2; exit 3"
	r := c.Ctl(timeout(t), "run", "--", "sh", "-c", command)
	here := exec.Command("sh", "-c", command)
	var out, errs strings.Builder
	here.Stdout, here.Stderr = &out, &errs
	_ = here.Run() // its exit code is 3, too
	if r.Code != 3 || r.Stdout != out.String() || r.Stderr != errs.String() {
		t.Errorf("exit code %d, %d and %d bytes, want %d and %d", r.Code, len(r.Stdout), len(r.Stderr), out.Len(), errs.Len())
	}
	check(t, os.WriteFile(c.Dir+"/items", []byte(strings.Repeat("x\n", 200)), 0o644))
	id := submit(t, c, "--each-line", c.Dir+"/items", "--", "true")
	must(t, c, "wait", id)
	if d := show(t, c, id); d.State != octaskly.Completed {
		t.Errorf("the array is %s: %s", d.State, d.Reason)
	}
	if n := strings.Count(c.Dispatcher.Logs(), "Worker has joined"); n != 1 {
		t.Errorf("the worker has joined %d times", n)
	}
}

// While a task's output fills the line, others start and end as they do else but for
// the time that what fills it stands before them on the line itself.
func floodDelaysNothing(t *testing.T, by string) {
	c := awayFrom(t, by, hundred)
	expect(t, c.Ctl(timeout(t), "run", "true"), 0, "", "")
	var calm, busy []time.Duration
	for range 10 {
		calm = append(calm, once(t, c))
	}
	flood := submit(t, c, "--", "sh", "-c", "head -c 40000000 /dev/zero; head -c 40000000 /dev/zero >&2")
	awaitRunning(t, c, flood)
	for began := time.Now(); !show(t, c, flood).State.Terminal() && time.Since(began) < time.Minute; {
		busy = append(busy, once(t, c))
	}
	d := awaitTask(t, c, flood, func(d api.Detail) bool { return d.State.Terminal() })
	if d.State != octaskly.Completed || len(d.Attempts) != 1 {
		t.Errorf("%s after %d attempts", d.State, len(d.Attempts))
	}
	slices.Sort(calm)
	slices.Sort(busy)
	t.Logf("%s: a task takes %v, at most %v; while output floods the line %v, at most %v (%d)", by,
		calm[len(calm)/2], calm[len(calm)-1], busy[len(busy)/2], busy[len(busy)-1], len(busy))
	if len(busy) < 10 {
		t.Errorf("only %d tasks have ended while output flooded the line", len(busy))
	}
	if slow := busy[len(busy)-2]; slow > 2*time.Second { // of one this machine may be the cause
		t.Errorf("two of them took %v and more", slow)
	}
	if strings.Contains(c.Dispatcher.Logs(), "out of touch") {
		t.Error("the worker was out of touch")
	}
}

// once runs a command there and says how long that took.
func once(t *testing.T, c *cluster.Cluster) time.Duration {
	t.Helper()
	began := time.Now()
	expect(t, c.Ctl(timeout(t), "run", "true"), 0, "", "")
	return time.Since(began)
}
