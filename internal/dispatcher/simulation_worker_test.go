package dispatcher

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/spool"
	"github.com/octaskly/octaskly/internal/transport"
)

// fakeWorker holds what it was sent, as a worker does.
type fakeWorker struct {
	id      octaskly.WorkerID
	session *session // nil: not connected
	held    map[octaskly.AttemptID]octaskly.State
	ended   map[octaskly.AttemptID]octaskly.State // not acknowledged
}

// deadLink is a link that is used for its address only.
type deadLink struct{ transport.Session }

func (deadLink) Peer() string { return "192.0.2.1:7" }

func (deadLink) Identity() *transport.Identity { return nil }

func (w *world) connect(f *fakeWorker) {
	if f.session == nil {
		w.meet(f, w.store.Generation())
	}
}

// meet lets a worker join that has its attempts from a generation.
func (w *world) meet(f *fakeWorker, generation string) {
	f.session = &session{link: deadLink{}, close: func() {}, wake: make(chan struct{}, 1)}
	hello := &protocol.Hello{Version: 1, Worker: f.id, Name: string(f.id[30:]), Slots: 2, Generation: generation}
	for id, s := range f.held {
		hello.Held = append(hello.Held, protocol.Held{ID: id, State: s, StartedAt: now()})
	}
	for id := range f.ended {
		hello.Held = append(hello.Held, protocol.Held{ID: id, State: octaskly.Completed})
	}
	w.c.join(f.session, hello)
	if generation == w.store.Generation() {
		for id, s := range f.ended {
			w.report(f, id, s)
		}
	}
}

func (w *world) report(f *fakeWorker, id octaskly.AttemptID, s octaskly.State) {
	w.c.hear(f.session, &protocol.FromWorker{Finished: []protocol.Finished{{ID: id, End: endOf(id, s)}}})
}

// work lets a worker start or end something.
func (w *world) work(f *fakeWorker) {
	ids := f.attempts()
	if len(ids) == 0 {
		return
	}
	id := rapid.SampledFrom(ids).Draw(w.t, "attempt")
	if f.held[id] == octaskly.Assigned && rapid.Bool().Draw(w.t, "start") {
		f.held[id] = octaskly.Running
		if f.session != nil {
			w.c.hear(f.session, &protocol.FromWorker{Started: []protocol.Started{{ID: id, At: now()}}})
		}
		return
	}
	s := rapid.SampledFrom([]octaskly.State{octaskly.Completed, octaskly.Completed, octaskly.Failed, octaskly.TimedOut}).Draw(w.t, "end")
	delete(f.held, id)
	f.ended[id] = s
	if f.session != nil {
		w.report(f, id, s)
	}
}

// spooled is output in its framed form.
var spooled = func() []byte {
	log := spool.Create(spool.Options{Limit: 1 << 10})
	log.Append(spool.Stdout, bytes.Repeat([]byte("x"), 200))
	log.Close()
	framed, err := io.ReadAll(log.Reader(context.Background(), 0, false))
	if err != nil {
		panic(err)
	}
	return framed
}()

// endOf is how a worker reports an end. Some outputs travel on their own.
func endOf(id octaskly.AttemptID, s octaskly.State) octaskly.End {
	end := octaskly.End{State: s, StartedAt: now(), EndedAt: now()}
	switch s {
	case octaskly.Failed:
		end.Reason = octaskly.ReasonExit(1)
	case octaskly.Cancelled:
		end.Reason = []octaskly.Reason{octaskly.ReasonCancelled, octaskly.ReasonLease}[id.Number%2]
	}
	if (int64(id.Job)+id.Index+int64(id.Number))%3 == 0 {
		end.Output = octaskly.OutputSize{Stored: int64(len(spooled)), Stdout: 200}
	}
	return end
}

// send answers a fetch, not always to the end.
func (w *world) send(f *fakeWorker, fetch protocol.Fetch) {
	rest := spooled[fetch.From:]
	if rapid.IntRange(0, 3).Draw(w.t, "breaks") == 0 {
		rest = rest[:len(rest)/2]
	}
	err := w.d.outputs.receive(fetch.ID, fetch.From, int64(len(spooled)), bytes.NewReader(rest))
	if worker := w.c.workers[f.id]; err == nil && f.session != nil {
		w.c.received(worker, fetch.ID)
	}
}

// giveBack plays a worker that has not started an attempt.
func (w *world) giveBack(f *fakeWorker, id octaskly.AttemptID) {
	if t := w.c.held(w.c.workers[f.id], id); t != nil && t.State == octaskly.Assigned {
		w.records.recalled[id] = true
	}
	w.c.hear(f.session, &protocol.FromWorker{Recalled: []octaskly.AttemptID{id}})
}

// fleet lets something happen to a worker.
func (w *world) fleet(f *fakeWorker) {
	worker := w.c.workers[f.id]
	switch event := rapid.IntRange(0, 8).Draw(w.t, "what"); {
	case event == 0 && f.session != nil: // its operator stops it, and what it runs
		clear(f.held)
		w.c.leave(f.session, true)
		f.session = nil
	case event == 1 && f.session == nil: // what must not run twice is stopped
		for _, id := range f.attempts() {
			delete(f.held, id)
			f.ended[id] = octaskly.Cancelled
		}
	case event == 2 && f.session == nil: // it comes from another store
		w.meet(f, "another generation")
		clear(f.held)
		clear(f.ended)
	case worker == nil:
	case event == 3 || event == 4:
		var how api.DrainRequest
		if rapid.Bool().Draw(w.t, "deadline") {
			how.Deadline = new(api.Seconds(rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(w.t, "time")))
		}
		w.c.drainWorker(worker, api.Caller{Name: "me"}, how)
	case event == 5 && worker.Drain != nil && !worker.drainEnd.IsZero():
		worker.drainEnd = time.Now()
		w.c.attend(time.Now())
	case event == 6:
		w.c.resumeWorker(worker)
	case event == 7 && f.session == nil:
		w.c.removeWorker(worker)
	case event == 8 && f.session != nil:
		stays, err := w.c.staying(worker, time.Now())
		if err != nil {
			w.t.Fatal(err)
		}
		w.c.expel(worker, stays)
		f.session = nil
	}
}

// lapse lets a worker be out of touch for longer than its lease.
func (w *world) lapse(f *fakeWorker) {
	w.lose(f)
	if worker := w.c.workers[f.id]; worker != nil {
		worker.leaseEnd = time.Now()
		w.c.attend(time.Now())
	}
}

func (w *world) lose(f *fakeWorker) {
	if f.session != nil {
		w.c.leave(f.session, false)
		f.session = nil
	}
}

// attempts that a worker has not ended, in order.
func (f *fakeWorker) attempts() []octaskly.AttemptID {
	ids := make([]octaskly.AttemptID, 0, len(f.held))
	for id := range f.held {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b octaskly.AttemptID) int { return int(a.Job-b.Job)*100 + int(a.Index-b.Index) })
	return ids
}
