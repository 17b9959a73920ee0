package dispatcher

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// stops takes what the worker was sent and returns the attempts that it is to
// stop.
func (h *hand) stops() (ids []octaskly.AttemptID) {
	frames, _ := h.s.take()
	for _, frame := range frames {
		for _, stop := range frame.Stop {
			ids = append(ids, stop.ID)
		}
	}
	return ids
}

// acks are the ends that it may forget.
func (h *hand) acks() (ids []octaskly.AttemptID) {
	frames, _ := h.s.take()
	for _, frame := range frames {
		ids = append(ids, frame.Ack...)
	}
	return ids
}

// joinHolding lets a worker join anew with attempts that run.
func (l *live) joinHolding(h *hand, ids ...octaskly.AttemptID) *hand {
	hello := h.hello()
	for _, id := range ids {
		hello.Held = append(hello.Held, protocol.Held{ID: id, State: octaskly.Running, StartedAt: now()})
	}
	return l.joinAs(hello)
}

func (h *hand) hello() *protocol.Hello {
	w := h.s.worker
	return &protocol.Hello{Version: 1, Worker: w.ID, Name: w.Name, Slots: w.Slots, Features: w.Features}
}

// lapse ends a worker's session and its lease.
func (h *hand) lapse() {
	h.leave(false)
	h.l.inCore(func(c *core) {
		h.s.worker.leaseEnd = time.Now()
		c.attend(time.Now())
	})
}

// A missed attempt is shown, survives a restart, and goes on with its worker.
func TestMissedAttempt(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	h := l.join("w", levelNone)
	task, err := l.submit(func(*api.Submission) {})
	l.check(err)
	id := h.task()
	h.lapse()
	d := l.show(task)
	if a := d.Attempts[0]; d.State != octaskly.Queued || len(d.Attempts) != 1 || a.State != octaskly.Running || a.LostAt == nil || a.Reason != octaskly.ReasonWorkerLost || a.StartedAt == nil {
		t.Errorf("%v, attempts %+v", d.State, d.Attempts)
	}
	if want := "no worker is connected; worker w, which had it, may yet be back with it"; d.Waits != want {
		t.Errorf("it waits: %s", d.Waits)
	}
	c, err := l.d.load(context.Background())
	l.check(err)
	if w := c.workers[workerID("w")]; len(w.missed) != 1 || len(w.held) != 0 {
		t.Errorf("after a restart it has missed %d", len(w.missed))
	}
	h = l.joinHolding(h, id)
	if d := l.show(task); d.State != octaskly.Running || len(d.Attempts) != 1 || d.Attempts[0].LostAt != nil || d.Reason != "" {
		t.Errorf("back: %v, attempts %+v", d.State, d.Attempts)
	}
	h.end(id, octaskly.End{State: octaskly.Completed})
	if d := l.show(task); d.State != octaskly.Completed || len(d.Attempts) != 1 {
		t.Errorf("ended: %v, attempts %+v", d.State, d.Attempts)
	}
}

// A worker that is back without what it had, or with what is of another store.
func TestBackWithout(t *testing.T) {
	for name, test := range map[string]struct {
		generation string
		reason     octaskly.Reason
		losses     int
	}{
		"its executor has died": {"", octaskly.ReasonWorkerLost, 1},
		"a restored store":      {"another", octaskly.ReasonReleased, 0},
	} {
		for _, lapsed := range []bool{false, true} {
			l := goLive(t, octaskly.Policy{})
			h := l.join("w", levelNone)
			task, err := l.submit(func(*api.Submission) {})
			l.check(err)
			id := h.task()
			if lapsed {
				h.lapse()
			} else {
				h.leave(false)
			}
			hello := h.hello()
			hello.Generation = test.generation
			hello.Held = []protocol.Held{{ID: id, State: octaskly.Running}}
			if test.generation == "" {
				hello.Held = nil
			}
			l.inCore(func(c *core) {
				c.join(&session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}, hello)
			})
			d := l.show(task)
			if len(d.Attempts) != 2 || d.Attempts[0].Reason != test.reason || d.Attempts[0].LostAt != nil || d.Attempts[1].State != octaskly.Assigned {
				t.Errorf("%s: %v, attempts %+v", name, d.State, d.Attempts)
			}
			l.inCore(func(c *core) {
				if got := c.jobs[id.Job].live[0].Losses; got != test.losses {
					t.Errorf("%s: %d losses", name, got)
				}
			})
		}
	}
}

// The end of an attempt that was given up changes nothing, and is kept once, even
// when all of it comes before the next commit.
func TestLateEnd(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		l := goLive(t, octaskly.Policy{})
		first := l.join("w", levelNone)
		task, err := l.submit(func(*api.Submission) {})
		l.check(err)
		id := first.task()
		first.lapse()
		second := &hand{l, &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}}
		back := &hand{l, &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}}
		hello := first.hello()
		hello.Held = []protocol.Held{{ID: id, State: octaskly.Completed}}
		late := &protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: octaskly.End{State: octaskly.Failed, Reason: octaskly.ReasonExit(9), StartedAt: now(), EndedAt: now(), CPUTime: time.Second}}}}
		steps := []func(*core){
			func(c *core) {
				c.join(second.s, &protocol.Hello{Version: 1, Worker: workerID("w2"), Name: "w2", Slots: 1, Features: []string{levelNone}, Generation: c.store.Generation()})
				c.schedule(time.Now())
			},
			func(c *core) {
				hello.Generation = c.store.Generation()
				c.join(back.s, hello)
				c.hear(back.s, late)
				c.hear(back.s, late)
			},
		}
		if atOnce {
			l.inCore(func(c *core) { steps[0](c); steps[1](c) })
		} else {
			l.inCore(steps[0])
			l.inCore(steps[1])
		}
		if acks := back.acks(); len(acks) == 0 || acks[0] != id {
			t.Errorf("acknowledged: %v", acks)
		}
		d := l.show(task)
		if a := d.Attempts[0]; len(d.Attempts) != 2 || d.State != octaskly.Assigned || a.Reason != octaskly.ReasonWorkerLost || a.Late == nil || a.Late.Reason != octaskly.ReasonExit(9) || a.CPUTime != api.Seconds(time.Second) {
			t.Errorf("%v, attempts %+v", d.State, d.Attempts)
		}
		late.Finished[0].End.Reason = octaskly.ReasonExit(1) // what comes again changes nothing
		back.say(late)
		if d := l.show(task); d.Attempts[0].Late.Reason != octaskly.ReasonExit(9) {
			t.Errorf("attempts %+v", d.Attempts)
		}
		if len(l.log.lines("its result is kept apart")) == 0 {
			t.Error("nothing is logged")
		}
	}
}

// Output of a late end whose session breaks off is fetched anew.
func TestLateOutputBreaksOff(t *testing.T) {
	l := goLive(t, octaskly.Policy{})
	h := l.join("w", levelNone)
	task, err := l.submit(func(*api.Submission) {})
	l.check(err)
	id := h.task()
	h.lapse()
	other := l.join("w2", levelNone)
	other.end(other.task(), octaskly.End{State: octaskly.Completed})
	late := &protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: endOf(octaskly.AttemptID{Job: 3}, octaskly.Completed)}}}
	for try := range 2 {
		h = l.joinAs(h.hello())
		h.say(late)
		frames, _ := h.s.take()
		fetches := frames[len(frames)-1].Fetch
		if len(fetches) != 1 || fetches[0].From != 0 || len(frames[len(frames)-1].Ack) > 0 {
			t.Fatalf("%+v", frames)
		}
		bytes := int64(len(spooled))
		if try == 0 {
			bytes /= 2
		}
		l.check(l.d.outputs.receive(id, 0, int64(len(spooled)), strings.NewReader(string(spooled[:bytes]))))
		if try == 0 {
			h.leave(false)
		}
	}
	l.inCore(func(c *core) { c.received(h.s.worker, id) })
	if acks := h.acks(); len(acks) != 1 {
		t.Errorf("acknowledged: %v", acks)
	}
	if d := l.show(task); d.State != octaskly.Completed || d.Attempts[0].Late == nil || d.Attempts[0].Stdout != 200 || d.Attempts[0].Discarded != 0 {
		t.Errorf("attempts %+v", d.Attempts)
	}
}
