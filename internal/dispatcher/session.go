package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
	"github.com/octaskly/octaskly/internal/transport"
)

// Listener is where workers come in.
type Listener = transport.Listener

// session is the link to one worker that is connected.
type session struct {
	link    transport.Session
	close   context.CancelFunc        // ends the session, without waiting for it
	worker  *worker                   // set by the core when it joins; the core's alone
	leaving bool                      // its worker stops; likewise
	seen    atomic.Pointer[time.Time] // when the worker said anything last
	called  atomic.Pointer[string]    // the worker's name, by its hello
	meeting chan struct{}             // has room for callers that are looked at

	mu     sync.Mutex
	frames []*protocol.ToWorker // to be sent, oldest first
	heard  uint64               // the latest Pong
	told   uint64               // of heard, to the worker
	last   bool                 // close when they are sent
	trip   roundTrip
	wake   chan struct{} // holds one: what is above has changed
}

const (
	helloTimeout = 10 * time.Second
	joinTimeout  = 10 * time.Second // for the welcome, for which a worker waits as long
	writeTimeout = 15 * time.Second // for a frame to be taken by the network
	maxUnsent    = 4096             // frames a worker may leave unread before it is cut off
)

// heartbeat is how often a worker is asked for a sign of life; after three without
// one its session is over. Six of them fit into a lease that is not very short, so
// that a worker whose link is fine always knows that it is trusted.
func (d *Dispatcher) heartbeat() time.Duration {
	return min(max(d.Lease/6, 100*time.Millisecond), 5*time.Second)
}

// expect has a session end when its worker says nothing for three pings from now on.
// Before the first it has nothing to answer, and waits for its welcome: the disk may
// hold the core up.
func (d *Dispatcher) expect(s *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	silence := 3 * d.heartbeat()
	if s.trip.ping == 0 {
		silence = joinTimeout
	}
	s.link.Control().SetReadDeadline(time.Now().Add(silence))
}

func (s *session) see() {
	now := time.Now()
	s.seen.Store(&now)
}

// seenAt is for people.
func (s *session) seenAt() time.Time {
	if seen := s.seen.Load(); seen != nil {
		return seen.UTC().Truncate(time.Microsecond)
	}
	return now()
}

// trustedFrom is when the lease begins of the worker of a session that ends now: when
// it was last heard. Where that is longer ago than any silence after a ping, it was
// the dispatcher that did not listen, or did not come to ping, and that trusts anew.
func (d *Dispatcher) trustedFrom(s *session, now time.Time) time.Time {
	if seen := s.seen.Load(); seen != nil && now.Sub(*seen) <= 4*d.heartbeat() {
		return *seen
	}
	return now
}

// accept serves every worker that comes in, until ctx is done.
func (d *Dispatcher) accept(ctx context.Context, listener Listener) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer listener.Close()
	for {
		link, err := listener.Accept(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("cannot accept workers: %w", err)
		case err != nil:
			d.Log.Warn("Cannot accept a worker", "error", err)
		default:
			sessions.Go(func() { d.serve(ctx, link) })
		}
	}
}

// serve runs one session to its end.
func (d *Dispatcher) serve(ctx context.Context, link transport.Session) {
	d.meter.sessions.Inc()
	defer d.meter.over.Inc()
	ctx, cancel := context.WithCancel(ctx)
	s := &session{link: link, close: cancel, wake: make(chan struct{}, 1), meeting: make(chan struct{}, protocol.MaxCallers)}
	var parts sync.WaitGroup
	parts.Go(func() { d.write(ctx, s) })
	parts.Go(func() { d.acceptBulk(ctx, s) })
	goodbye, err := d.read(ctx, s, &parts)
	if err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
		d.Log.Info("Session has ended", "address", link.Peer(), "error", err)
	}
	cancel()
	link.Close()
	parts.Wait()
	d.post(func(c *core) { c.leave(s, goodbye) })
}

// read turns what the worker says into events. It reports whether the worker
// said goodbye.
func (d *Dispatcher) read(ctx context.Context, s *session, parts *sync.WaitGroup) (goodbye bool, err error) {
	stop := context.AfterFunc(ctx, func() { s.link.Close() })
	defer stop()
	control := s.link.Control()
	frames := protocol.NewReader(metered{control, &d.meter.control})
	control.SetReadDeadline(time.Now().Add(helloTimeout))
	var first protocol.FromWorker
	if err := frames.Read(&first); err != nil {
		return false, err
	}
	s.see()
	if first.Hello == nil {
		return false, fmt.Errorf("%w: no hello in the first frame", protocol.ErrFrame)
	}
	s.called.Store(&first.Hello.Name)
	d.post(func(c *core) { c.join(s, first.Hello) })
	for {
		d.expect(s)
		batch := new(protocol.FromWorker)
		if err := frames.Read(batch); err != nil {
			return false, err
		}
		s.see()
		if err := checkBatch(batch); err != nil {
			return false, err
		}
		if batch.Pong != 0 {
			s.confirm(batch.Pong)
		}
		d.meet(ctx, s, batch.Callers, parts)
		if !d.post(func(c *core) { c.hear(s, batch) }) || batch.Goodbye {
			return batch.Goodbye, nil
		}
	}
}

// hear handles one batch of a worker that has joined.
func (c *core) hear(s *session, batch *protocol.FromWorker) {
	w := s.worker
	if w == nil || w.session != s || c.workers[w.ID] != w {
		return // refused, or replaced by a newer session
	}
	if batch.Leaving && !s.leaving {
		s.leaving = true
		c.happenAt(w, octaskly.WorkerStopping, "")
		c.Log.Info("Worker stops", "worker", w.Name, "tasks", len(w.held))
		c.refresh()
	}
	for _, started := range batch.Started {
		c.start(w, started)
	}
	for _, finished := range batch.Finished {
		c.finish(w, finished)
	}
	for _, id := range batch.Recalled {
		c.giveBack(w, id)
	}
	for _, u := range batch.Usage {
		if t := c.held(w, u.ID); t != nil {
			t.uses(u.Usage, time.Now())
		}
	}
}

// write sends frames as they come, and pings: the first behind the welcome, which
// nothing may precede.
func (d *Dispatcher) write(ctx context.Context, s *session) {
	frames := protocol.NewWriter(metered{s.link.Control(), &d.meter.control})
	beat := time.NewTicker(d.heartbeat())
	defer beat.Stop()
	for ping := uint64(0); ; {
		var out []*protocol.ToWorker
		var last, due bool
		select {
		case <-s.wake:
			out, last = s.take()
			due = ping == 0 && len(out) > 0
		case <-beat.C:
			due = ping > 0
		case <-ctx.Done():
			return
		}
		if due {
			ping++
			out = append(out, s.ping(ping))
		}
		for _, frame := range out {
			s.link.Control().SetWriteDeadline(time.Now().Add(writeTimeout))
			s.sending(frame.Ping)
			if err := frames.Write(frame); err != nil {
				s.close()
				return
			}
		}
		if due && ping == 1 {
			d.expect(s)
		}
		if last {
			s.close()
		}
	}
}

// take returns what is to be sent, and whether that is all there will be.
func (s *session) take() (out []*protocol.ToWorker, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, s.frames = s.frames, nil
	if s.told != s.heard {
		s.told = s.heard
		out = append(out, &protocol.ToWorker{Heard: s.heard})
	}
	return out, s.last
}

func (s *session) ping(number uint64) *protocol.ToWorker {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = s.heard
	return &protocol.ToWorker{Ping: number, Heard: s.heard}
}

// confirm has a worker hear at once that its Pong has come.
func (s *session) confirm(pong uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = pong
	s.trip.back(pong, time.Now())
	s.nudge()
}

// send queues a frame. It never waits; a worker that leaves too much unread is
// cut off and joins anew.
func (s *session) send(frame *protocol.ToWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frames) >= maxUnsent {
		s.close()
		return
	}
	s.frames = append(s.frames, protocol.Split(frame)...)
	s.nudge()
}

// closeAfterSend ends the session when what is queued has been sent.
func (s *session) closeAfterSend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = true
	s.nudge()
}

func (s *session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
