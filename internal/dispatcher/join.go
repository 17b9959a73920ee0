package dispatcher

import (
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// join takes a worker in, with what it holds.
func (c *core) join(s *session, hello *protocol.Hello) {
	if why := c.refusal(hello); why != "" {
		c.Log.Warn("Worker is refused", "worker", hello.Name, "address", s.link.Peer(), "reason", why)
		s.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Version: protocol.Version, Refused: why}})
		s.closeAfterSend()
		return
	}
	w := c.workers[hello.Worker]
	if w == nil {
		w = &worker{held: map[*task]struct{}{}}
		c.workers[hello.Worker] = w
	}
	if w.session != nil {
		c.Log.Warn("Worker joins anew; its former session is closed", "worker", hello.Name)
		w.session.close()
	}
	c.enter(w, s, hello)
	frame := c.frame(w)
	frame.Welcome = c.welcome()
	c.reconcile(w, hello)
	c.batch.urgent = true
	c.greet(w)
}

func (c *core) welcome() *protocol.Welcome {
	return &protocol.Welcome{
		Version: protocol.Version, Fleet: c.Fleet, Generation: c.store.Generation(),
		Heartbeat: heartbeat, MaxOutput: c.MaxOutput,
	}
}

// refusal says why a worker cannot join, or nothing.
func (c *core) refusal(hello *protocol.Hello) string {
	if err := checkHello(hello); err != nil {
		return err.Error()
	}
	for _, other := range c.workers {
		if other.session != nil && other.Name == hello.Name && other.ID != hello.Worker {
			return fmt.Sprintf("another worker named %q is connected from %s; give this one another name with --name", hello.Name, other.Address)
		}
	}
	return ""
}

// enter makes hello's word the registry's.
func (c *core) enter(w *worker, s *session, hello *protocol.Hello) {
	w.Worker = octaskly.Worker{
		ID: hello.Worker, Name: hello.Name, Version: hello.Software, Slots: hello.Slots, Room: hello.Room,
		Features: hello.Features, Address: s.link.Peer(), SeenAt: now(),
		Checks: hello.Checks,
	}
	w.session, w.specs, w.out, w.left = s, map[octaskly.JobID]bool{}, nil, false
	s.worker = w
	held, used := w.sched.Held, w.sched.Used
	w.sched = scheduler.Worker{ID: w.ID, Slots: w.Slots, Room: w.Room, Features: w.Features, Held: held, Used: used}
	w.meanRun = 0
	c.names.set(w.ID, w.Name)
	c.batch.workers = append(c.batch.workers, w.Worker)
	c.refresh()
}

// reconcile compares what a worker has with what we think it has: what it has
// lost runs again, what we gave up it drops, the rest goes on.
func (c *core) reconcile(w *worker, hello *protocol.Hello) {
	kept := map[*task]bool{}
	if hello.Generation == c.store.Generation() {
		for _, h := range hello.Held {
			t := c.held(w, h.ID)
			if t == nil {
				if !h.State.Terminal() { // what has ended it reports by itself
					frame := c.frame(w)
					frame.Stop = append(frame.Stop, protocol.Stop{ID: h.ID, Drop: true})
				}
				continue
			}
			kept[t] = true
			c.resume(w, t, h)
		}
	}
	for t := range w.held {
		if !kept[t] {
			c.lose(t, now())
		}
	}
}

// resume goes on with an attempt that outlived the session.
func (c *core) resume(w *worker, t *task, h protocol.Held) {
	if h.State == octaskly.Running {
		c.start(w, protocol.Started{ID: h.ID, At: sane(h.StartedAt)})
	}
	if t.Cancel {
		c.stop(t)
	}
	if c.outputs.find(h.ID) != nil { // somebody follows it
		c.fetch(w, h.ID)
	}
}

// leave notes that a session has ended. Its worker keeps what it has for the
// length of a lease; one that said goodbye has stopped it all.
func (c *core) leave(s *session, goodbye bool) {
	w := s.worker
	if w == nil || w.session != s || c.workers[w.ID] != w {
		return
	}
	w.absentSince(now().Add(c.Lease))
	w.SeenAt, w.left = now(), goodbye
	c.batch.workers = append(c.batch.workers, w.Worker)
	c.refresh()
	for t := range w.held {
		t.usage = nil
		if m := c.outputs.find(t.Current()); m != nil {
			m.interrupt()
		}
	}
	if goodbye {
		c.Log.Info("Worker has left", "worker", w.Name)
		for t := range w.held {
			c.release(t)
		}
		return
	}
	c.Log.Warn("Worker is out of touch", "worker", w.Name, "tasks", len(w.held), "lease", c.Lease)
}

// release gives up an attempt that its worker has stopped on its operator's
// word. That is nobody's fault and counts as no loss.
func (c *core) release(t *task) {
	losses := t.Losses
	c.lose(t, now())
	if t.State == octaskly.Queued {
		t.Losses = losses
	}
}

// stop passes a cancel on to the worker.
func (c *core) stop(t *task) {
	w := c.workers[t.Worker]
	if w.session != nil {
		frame := c.frame(w)
		frame.Stop = append(frame.Stop, protocol.Stop{ID: t.Current()})
	}
}

// heartbeat is how often a quiet worker is asked for a sign of life; after
// three without one its session is over.
const heartbeat = 5 * time.Second
