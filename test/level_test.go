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
	g := newOpenGate(t)
	long, ahead := sentAhead(t, c, g, "exit 0")
	submit(t, c, "--cpus", "64", "true")
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
