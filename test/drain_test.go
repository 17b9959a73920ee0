package test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// admin is a client of the dispatcher, whose own user may do everything.
func admin(t *testing.T, c *cluster.Cluster) *client.Client {
	t.Helper()
	a := client.New(client.Options{Socket: c.Socket()})
	t.Cleanup(a.Close)
	return a
}

func drain(t *testing.T, c *cluster.Cluster, name string, how api.DrainRequest) *api.Worker {
	t.Helper()
	w, err := admin(t, c).Drain(timeout(t), name, how)
	check(t, err)
	return w
}

func page(t *testing.T, c *cluster.Cluster, name string) *api.Worker {
	t.Helper()
	w, err := admin(t, c).Worker(timeout(t), name)
	check(t, err)
	return w
}

// oneLoss fails a task that is lost once.
var oneLoss = cluster.Options{DispatcherFlags: []string{"--limits-max-losses", "1"}}

// A drained worker goes on with what runs and gets nothing new, whoever is
// restarted, until it is resumed.
func TestDrainSurvivesRestarts(t *testing.T) {
	c, worker, _ := apart(t)
	g := newOpenGate(t)
	running := submit(t, c, g.command("echo through; exit 3")...)
	g.await(t)
	awaitRunning(t, c, running)
	w := drain(t, c, "w1", api.DrainRequest{Reason: "new disk"})
	if w.State != "connected" || w.Drain == nil || w.Drain.Reason != "new disk" || w.Drain.By == "" || w.Drain.At.IsZero() || w.Drain.Deadline != nil || w.Running != 1 {
		t.Errorf("drained: %+v", w)
	}
	waiting := submit(t, c, "--", "echo", "new")
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	check(t, worker.Restart(timeout(t)))
	awaitSuccess(t, func() bool { return page(t, c, "w1").State == "connected" })
	if w := page(t, c, "w1"); w.Drain == nil || w.Drain.Reason != "new disk" {
		t.Errorf("after restarts: %+v", w)
	}
	g.pass(t)
	expect(t, c.Ctl(timeout(t), "wait", running), 3, "", "")
	if d := show(t, c, running); len(d.Attempts) != 1 {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	if d := show(t, c, waiting); d.State != octaskly.Queued || len(d.Attempts) != 0 || d.Waits != "no worker could run it but drained ones: w1; octasklyctl worker resume NAME lets them" {
		t.Errorf("the new one is %v, waits: %s, attempts %+v", d.State, d.Waits, d.Attempts)
	}
	if w, err := admin(t, c).Resume(timeout(t), "w1"); err != nil || w.Drain != nil {
		t.Errorf("resumed: %+v, %v", w, err)
	}
	must(t, c, "wait", waiting)
}

// sentAhead has a worker of one slot run what waits at a gate, and be sent another task
// ahead: it is one whose tasks have been short of late.
func sentAhead(t *testing.T, c *cluster.Cluster, g *gate, more string) (running, ahead string) {
	t.Helper()
	for range 10 {
		must(t, c, "run", "--array", "0-99", "--", "true")
		running = submit(t, c, g.command(more)...)
		g.await(t)
		ahead = submit(t, c, "--", "true")
		if show(t, c, ahead).State == octaskly.Assigned {
			return running, ahead
		}
		g.pass(t)
		must(t, c, "wait", running, ahead)
	}
	t.Fatal("no task is sent ahead")
	return "", ""
}

// What a drained worker has not started it gives back.
func TestDrainGivesBack(t *testing.T) {
	c := cluster.Open(t, oneLoss)
	start(t, c.Dispatcher)
	start(t, c.Worker("w1", "--slots", "1"))
	g := newGate(t)
	first, second := sentAhead(t, c, g, "true")
	drain(t, c, "w1", api.DrainRequest{})
	start(t, c.Worker("w2"))
	must(t, c, "wait", second)
	if d := show(t, c, second); d.Worker != "w2" {
		t.Errorf("it ran on %s", d.Worker)
	}
	g.pass(t)
	must(t, c, "wait", first)
}

// At the deadline what runs is stopped, and runs elsewhere. That is no loss.
func TestDrainDeadline(t *testing.T) {
	c := cluster.Start(t, oneLoss)
	r := newRelayed(t)
	id := submit(t, c, r.command("echo there")...)
	r.await(t)
	awaitRunning(t, c, id)
	start(t, c.Worker("w2"))
	drain(t, c, "w1", api.DrainRequest{Deadline: new(api.Seconds(time.Hour))})
	w := drain(t, c, "w1", api.DrainRequest{Reason: "at once", Deadline: new(api.Seconds)})
	if w.Drain.Reason != "at once" || w.Drain.Deadline == nil {
		t.Errorf("draining again: %+v", w.Drain)
	}
	r.await(t) // on the other
	r.pass(t, 2)
	expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
	d := show(t, c, id)
	if len(d.Attempts) != 2 || d.Attempts[0].State != octaskly.Cancelled || d.Attempts[0].Reason != octaskly.ReasonReleased || d.Attempts[1].Worker != "w2" || d.Failures != 0 {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	if why := d.Attempts[0].Detail; !strings.HasPrefix(why, "its worker was drained by ") || !strings.HasSuffix(why, ": at once") {
		t.Errorf("the first attempt was given back: %q", why)
	}
}

// A worker can be drained while it is away. Its deadline holds when it is back.
func TestDrainOfAbsentWorker(t *testing.T) {
	c := cluster.Open(t, oneLoss)
	start(t, c.Dispatcher)
	link, err := c.Proxy("w1")
	check(t, err)
	start(t, c.Worker("w1"))
	r := newRelayed(t)
	id := submit(t, c, r.command("true")...)
	r.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	awaitSuccess(t, func() bool { return page(t, c, "w1").State == "away" })
	if w := drain(t, c, "w1", api.DrainRequest{Deadline: new(api.Seconds)}); w.State != "away" || w.Drain == nil {
		t.Errorf("drained: %+v", w)
	}
	start(t, c.Worker("w2"))
	link.Heal()
	r.await(t)
	r.pass(t, 2)
	expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
	if d := show(t, c, id); d.Attempts[0].Reason != octaskly.ReasonReleased {
		t.Errorf("attempts: %+v", d.Attempts)
	}
}

// A stop by the operator is no loss, and is remembered, with what was written by then.
func TestLeftIsNoLoss(t *testing.T) {
	c := cluster.Start(t, oneLoss)
	r := newRelayed(t)
	command := r.command("true")
	command[3] = "echo so far; " + command[3]
	id := submit(t, c, command...)
	r.await(t)
	awaitRunning(t, c, id)
	check(t, c.Workers[0].Stop())
	awaitTask(t, c, id, func(d api.Detail) bool { return d.State == octaskly.Queued })
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if w := page(t, c, "w1"); w.State != "left" {
		t.Errorf("it is %s", w.State)
	}
	start(t, c.Workers[0])
	r.await(t)
	r.pass(t, 2)
	expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
	if d := show(t, c, id); len(d.Attempts) != 2 || d.Attempts[0].Reason != octaskly.ReasonReleased || d.Attempts[0].Detail != "its worker was stopped" {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	expect(t, c.Ctl(timeout(t), "logs", "--attempt", "1", id), 0, "so far\n", "")
}

// A worker that is removed has lost what it had at once, and for good.
func TestRemoveWorker(t *testing.T) {
	c, link := remote(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "1h"}})
	r := newRelayed(t)
	id := submit(t, c, r.command("echo says $OCTASKLY_ATTEMPT")...)
	r.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	start(t, c.Worker("w2"))
	awaitSuccess(t, func() bool { return page(t, c, "w1").State == "away" })
	_, err := admin(t, c).RemoveWorker(timeout(t), "w1")
	check(t, err)
	if _, err := admin(t, c).Worker(timeout(t), "w1"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("a removed worker: %v", err)
	}
	r.await(t) // on the other
	r.pass(t, 2)
	expect(t, c.Ctl(timeout(t), "wait", id), 2, "", "")
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if _, err := admin(t, c).Worker(timeout(t), "w1"); !errors.Is(err, octaskly.ErrNotFound) {
		t.Errorf("a removed worker after a restart: %v", err)
	}
	r.pass(t, 1)
	awaitEnds(t, filepath.Join(c.Dir, "w1", "executor", "ends.log"))
	link.Heal()
	awaitLog(t, c.Workers[0], "this worker was removed")
	must(t, c, "worker", "approve", "w1") // it is a new one, and yet has something to say
	d := awaitTask(t, c, id, func(d api.Detail) bool { return d.Attempts[0].Late != nil })
	if w := page(t, c, "w1"); w.State != "connected" {
		t.Errorf("a removed worker that is back: %+v", w)
	}
	if d.Reason != octaskly.ReasonExit(2) || len(d.Attempts) != 2 {
		t.Errorf("%+v", d)
	}
}
