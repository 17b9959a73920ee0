package test

import (
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// What was sent ahead to a busy worker starts on an idle one, though a task waits
// that no worker can run.
func TestIdleWorkerTakesOver(t *testing.T) {
	c := cluster.Open(t, cluster.Options{WorkerFlags: []string{"--slots", "1", "--cpus", "1"}})
	start(t, c.Dispatcher)
	start(t, c.Worker("busy"))
	for range 3 { // short ones are sent ahead
		expect(t, c.Ctl(timeout(t), "run", "true"), 0, "", "")
	}
	g := newOpenGate(t)
	long := submit(t, c, g.command("exit 0")...)
	g.await(t)
	submit(t, c, "--cpus", "64", "true")
	ahead := submit(t, c, "true")
	awaitTask(t, c, ahead, func(d api.Detail) bool { return d.State == octaskly.Assigned })
	start(t, c.Worker("idle"))
	if d := awaitTask(t, c, ahead, func(d api.Detail) bool { return d.State.Terminal() }); d.Worker != "idle" {
		t.Errorf("it has run on %q", d.Worker)
	}
	if d := show(t, c, long); d.State != octaskly.Running {
		t.Errorf("the long one is %s", d.State)
	}
	g.pass(t)
	must(t, c, "wait", long)
}
