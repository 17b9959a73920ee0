package test

import (
	"os"
	"testing"
	"time"

	"github.com/octaskly/octaskly/test/cluster"
)

// A worker keeps an input no longer than its job, whatever becomes of the link
// meanwhile.
func TestInputsAreForgotten(t *testing.T) {
	for name, link := range map[string]cluster.Weather{"whole": {}, "cut": {Cut: true}} {
		t.Run(name, func(t *testing.T) {
			c := cluster.Open(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "1s"}})
			start(t, c.Dispatcher)
			proxy, err := c.Proxy("w1")
			check(t, err)
			start(t, c.Worker("w1"))
			g := newGate(t)
			id := submit(t, c, append([]string{"--stdin", "/etc/passwd"}, g.command("exit 3")...)...)
			g.await(t)
			awaitRunning(t, c, id)
			proxy.Set(link)
			proxy.Heal()
			g.pass(t)
			expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
			awaitSuccess(t, func() bool {
				left, err := os.ReadDir(c.Dir + "/w1/inputs")
				check(t, err)
				return len(left) == 0
			})
		})
	}
}

// A cancel holds for a task whose input is still on its way to the worker.
func TestCancelWhileInputArrives(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	proxy, err := c.Proxy("w1")
	check(t, err)
	start(t, c.Worker("w1"))
	proxy.Set(cluster.Weather{Delay: 200 * time.Millisecond})
	id := submit(t, c, "--stdin", "/etc/passwd", "--", "sleep", "1000")
	must(t, c, "cancel", id)
	proxy.Heal()
	expect(t, c.Ctl(timeout(t), "wait", id), 125, "", "cancelled")
}
