package dispatcher

import (
	"fmt"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/scheduler"
)

// join takes a worker in, with what it holds.
func (c *core) join(s *session, hello *protocol.Hello) {
	if why := c.refusal(s, hello); why != "" {
		c.Log.Warn("Worker is refused", "worker", hello.Name, "address", s.link.Peer(), "reason", why)
		s.send(&protocol.ToWorker{Welcome: &protocol.Welcome{Version: protocol.Version, Refused: why}})
		s.closeAfterSend()
		return
	}
	w := c.known(hello.Worker)
	if w.session != nil {
		c.Log.Warn("Worker joins anew; its former session is closed", "worker", hello.Name)
		w.session.close()
	}
	kind := octaskly.WorkerBack
	if w.Name == "" || w.Left {
		kind = octaskly.WorkerJoined
	}
	c.enter(w, s, hello)
	c.happenAt(w, kind, "")
	frame := c.frame(w)
	frame.Welcome = c.welcome()
	c.reconcile(w, hello)
	c.empty(w, time.Now())
	c.batch.urgent = true
	c.greet(w)
}

func (c *core) welcome() *protocol.Welcome {
	return &protocol.Welcome{
		Version: protocol.Version, Fleet: c.Fleet, Generation: c.store.Generation(),
		Heartbeat: c.heartbeat(), MaxOutput: c.MaxOutput, Lease: c.Lease, Callers: c.Callers != nil, Workers: len(c.workers),
	}
}

// refusal says why a worker cannot join, or nothing.
func (c *core) refusal(s *session, hello *protocol.Hello) string {
	if err := checkHello(hello); err != nil {
		return err.Error()
	}
	if c.Roster != nil {
		if err := c.Roster.Judge(s.link.Identity(), hello.Worker, hello.Name); err != nil {
			return strings.TrimSuffix(err.Error(), ": "+octaskly.ErrDenied.Error())
		}
	}
	for _, other := range c.workers {
		if other.session != nil && other.Name == hello.Name && other.ID != hello.Worker {
			return fmt.Sprintf("another worker named %q is connected from %s; give this one another name with --name", hello.Name, other.Address)
		}
	}
	return c.contested(c.workers[hello.Worker])
}

// enter makes hello's word the registry's.
func (c *core) enter(w *worker, s *session, hello *protocol.Hello) {
	w.Worker = octaskly.Worker{
		ID: hello.Worker, Name: hello.Name, Version: hello.Software, Slots: hello.Slots, Room: hello.Room,
		Features: hello.Features, Address: s.link.Peer(), SeenAt: now(),
		Checks: hello.Checks, Drain: w.Drain,
	}
	c.forgetLate(w)
	w.session, w.specs, w.out, w.emptied, w.awaited, w.expelled = s, map[octaskly.JobID]bool{}, nil, time.Time{}, false, false
	s.worker = w
	held, used := w.sched.Held, w.sched.Used
	w.sched = scheduler.Worker{ID: w.ID, Slots: w.Slots, Room: w.Room, Features: w.Features, Held: held, Used: used}
	w.meanRun = 0
	c.names.set(w.ID, w.Name)
	c.save(w)
	c.refresh()
}

// reconcile compares what a worker has with what we think it has: what it has
// lost runs again, what we gave up it drops, the rest goes on, even what we had
// given up for the time being.
func (c *core) reconcile(w *worker, hello *protocol.Hello) {
	ours := hello.Generation == c.store.Generation()
	back := map[*task]bool{}
	for _, h := range hello.Held {
		if !ours {
			break // it drops them by itself
		}
		if t := c.held(w, h.ID); t != nil {
			back[t] = true
			c.resume(w, t, h)
		} else if !h.State.Terminal() { // what has ended it reports by itself
			frame := c.frame(w)
			frame.Stop = append(frame.Stop, protocol.Stop{ID: h.ID, Drop: true})
		}
	}
	for _, tasks := range []map[*task]struct{}{w.held, w.missed} {
		for t := range tasks {
			switch {
			case back[t]:
			case !ours && hello.Generation != "":
				c.release(t, "the dispatcher's database has been restored or saved from damage since")
			default:
				c.lose(t)
			}
		}
	}
}

// resume goes on with an attempt that outlived the session.
func (c *core) resume(w *worker, t *task, h protocol.Held) {
	if t.Missed() {
		c.comeBack(t)
	}
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
	c.absent(w, goodbye)
	if goodbye {
		c.Log.Info("Worker has left", "worker", w.Name)
		c.happenAt(w, octaskly.WorkerLeft, "")
		for t := range w.held {
			if t.pending == nil { // else it has ended, and its output is still there
				c.release(t, "its worker was stopped")
			}
		}
		return
	}
	w.awaited = true
	c.happenAt(w, octaskly.WorkerAway, "")
	c.Log.Warn("Worker is out of touch", "worker", w.Name, "tasks", len(w.held), "lease", c.Lease)
}

// absent notes that a worker's session is over.
func (c *core) absent(w *worker, goodbye bool) {
	s := w.session
	w.absentSince(c.trustedFrom(s, time.Now()).Add(c.Lease))
	w.SeenAt, w.Left = s.seenAt(), goodbye
	c.forgetLate(w)
	c.save(w)
	c.refresh()
	for t := range w.held {
		t.usage = nil
		if m := c.outputs.find(t.Current()); m != nil {
			m.interrupt()
		}
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
