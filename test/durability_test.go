package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// What was accepted before a kill -9 runs after it.
func TestAcceptedSurvivesKill(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	var ids []string
	for i := range 20 {
		ids = append(ids, submit(t, c, "--name", fmt.Sprint("job", i), "--", "echo", fmt.Sprint(i)))
	}
	dropped := submit(t, c, "--", "echo", "never")
	must(t, c, "cancel", dropped)
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	start(t, c.Worker("w1"))
	must(t, c, append([]string{"wait"}, ids...)...)
	for i, id := range ids {
		if got := must(t, c, "logs", id); got != fmt.Sprintln(i) {
			t.Errorf("job %s says %q", id, got)
		}
	}
	if d := show(t, c, dropped); d.State != octaskly.Cancelled || len(d.Attempts) != 0 {
		t.Errorf("the cancelled job: %v with attempts %+v", d.State, d.Attempts)
	}
}

// gate is a command that says it has begun and goes on when told to.
type gate struct{ begun, open string }

func newGate(t *testing.T) *gate {
	dir := t.TempDir()
	g := &gate{filepath.Join(dir, "begun"), filepath.Join(dir, "open")}
	for _, path := range []string{g.begun, g.open} {
		mkfifo(t, path)
	}
	return g
}

// command waits at the gate and then does more.
func (g *gate) command(more string) []string {
	return []string{"--", "sh", "-c", fmt.Sprintf("echo begun > %s; read x < %s; %s", g.begun, g.open, more)}
}

// await returns when the command is at the gate.
func (g *gate) await(t *testing.T) { readFifo(t, g.begun) }

// pass lets the command go on.
func (g *gate) pass(t *testing.T) {
	t.Helper()
	tell(t, g.open)
}

// A running command does not notice that the dispatcher dies and comes back.
func TestDispatcherRestartUnderRunningTask(t *testing.T) {
	for _, how := range []string{"kill", "stop"} {
		t.Run(how, func(t *testing.T) {
			c := cluster.Start(t, cluster.Options{})
			g := newGate(t)
			id := submit(t, c, g.command("echo through; exit 3")...)
			g.await(t)
			if how == "kill" {
				check(t, c.Dispatcher.Kill())
			} else {
				check(t, c.Dispatcher.Stop())
			}
			start(t, c.Dispatcher)
			g.pass(t)
			expect(t, c.Ctl(timeout(t), "wait", id), 3, "", "")
			if got := must(t, c, "logs", id); got != "through\n" {
				t.Errorf("its output is %q", got)
			}
			if d := show(t, c, id); len(d.Attempts) != 1 {
				t.Errorf("attempts: %+v", d.Attempts)
			}
		})
	}
}

// A command that ends while the dispatcher is away keeps its result, even when
// the worker is killed before it could tell.
func TestResultSurvivesWorkerKill(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	done := filepath.Join(t.TempDir(), "done")
	mkfifo(t, done)
	id := submit(t, c, g.command("echo result; exit 4")...)
	g.await(t)
	check(t, c.Dispatcher.Kill())
	g.pass(t)
	awaitEnds(t, filepath.Join(c.Dir, "w1", "executor", "ends.log"))
	check(t, c.Workers[0].Kill())
	start(t, c.Dispatcher)
	start(t, c.Workers[0])
	expect(t, c.Ctl(timeout(t), "wait", id), 4, "", "")
	if got := must(t, c, "logs", id); got != "result\n" {
		t.Errorf("its output is %q", got)
	}
	if d := show(t, c, id); len(d.Attempts) != 1 {
		t.Errorf("it ran again: %+v", d.Attempts)
	}
}

// A worker that is stopped ends its commands; they run again, and that counts
// against nobody.
func TestWorkerStopRunsTasksAgain(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	id := submit(t, c, g.command("echo second")...)
	g.await(t)
	check(t, c.Workers[0].Stop())
	start(t, c.Workers[0])
	g.await(t)
	g.pass(t)
	must(t, c, "wait", id)
	d := show(t, c, id)
	if len(d.Attempts) != 2 || d.Attempts[0].Reason != octaskly.ReasonReleased || d.Attempts[1].State != octaskly.Completed {
		t.Errorf("attempts: %+v", d.Attempts)
	}
}

// A worker that is killed leaves no process behind when it comes back, and its
// tasks run again.
func TestWorkerKillRunsTasksAgain(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	id := submit(t, c, g.command("echo second")...)
	g.await(t)
	check(t, c.Workers[0].Kill())
	start(t, c.Workers[0])
	g.await(t)
	g.pass(t)
	must(t, c, "wait", id)
	if got := must(t, c, "logs", id); got != "second\n" {
		t.Errorf("its output is %q", got)
	}
}

// A cancel that was accepted while the worker was away holds when it is back.
func TestCancelSurvivesEverything(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newGate(t)
	id := submit(t, c, g.command("echo never")...)
	g.await(t)
	check(t, c.Workers[0].Signal(stopSignal))
	must(t, c, "cancel", "--reason", "changed my mind", id)
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	check(t, c.Workers[0].Signal(contSignal))
	r := c.Ctl(timeout(t), "wait", id)
	if r.Code != 125 || !strings.Contains(r.Stderr, "changed my mind") {
		t.Errorf("wait: %+v", r)
	}
	if d := show(t, c, id); d.State != octaskly.Cancelled {
		t.Errorf("it is %v", d.State)
	}
}
