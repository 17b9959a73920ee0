package joining

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var errNotApproved = fmt.Errorf("%w: nobody has approved it for %v", octaskly.ErrUnavailable, Patience)

// byApproval lets the worker wait until an operator has typed its code.
func (v *answering) byApproval(ctx context.Context, a *apply) error {
	if len(a.Commitment) != sha256.Size {
		return &octaskly.FieldError{Field: "commitment", Why: "there is none"}
	}
	waiting, cancel := context.WithTimeoutCause(ctx, Patience, errNotApproved)
	defer cancel()
	p := &Pending{Application: v.application, try: make(chan trial), over: make(chan struct{})}
	defer close(p.over)
	if err := v.desk.Enter(waiting, p); err != nil {
		return err
	}
	w := &wait{
		answering: v, pending: p, commitment: a.Commitment,
		inbox: make(chan *fromWorker), gone: make(chan error, 1), awaited: make(chan error, 1),
	}
	var group sync.WaitGroup
	group.Go(func() { w.awaited <- v.desk.Await(waiting, p) })
	group.Go(func() { w.read(waiting) })
	err := w.run(ctx)
	cancel()
	group.Wait()
	return err
}

// wait is a worker that waits for an approval. It is run's, but for the reading.
type wait struct {
	*answering
	pending    *Pending
	commitment []byte // of the worker to its nonce
	nonce      []byte // ours
	tries      int

	inbox   chan *fromWorker
	gone    chan error // why nothing more comes in
	awaited chan error // what Await has returned
}

// read hands on what the worker says. It ends with ctx.
func (w *wait) read(ctx context.Context) {
	for {
		m := new(fromWorker)
		if err := w.receive(ctx, silence, m); err != nil {
			w.gone <- err
			return
		}
		if m.Pong {
			continue
		}
		select {
		case w.inbox <- m:
		case <-ctx.Done():
			w.gone <- context.Cause(ctx)
			return
		}
	}
}

// run is bounded by whoever reads and awaits. What it sends is not cut short when the time is
// over, for TLS could send nothing after that.
func (w *wait) run(ctx context.Context) error {
	if err := w.challenge(ctx); err != nil {
		return err
	}
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case t := <-w.pending.try:
			if done, err := w.judge(ctx, t); done {
				return err
			}
		case <-ping.C:
			if err := w.send(ctx, stepTimeout, &toWorker{Ping: true}); err != nil {
				return w.leave(err)
			}
		case <-w.inbox:
			return w.leave(fmt.Errorf("%w: it speaks when it should wait", ErrForeign))
		case err := <-w.gone:
			return w.leave(err)
		case err := <-w.awaited:
			if err != nil {
				return err
			}
			return w.leave(<-w.gone) // the time is over for both
		}
	}
}

// leave is for a worker that is gone, if err says so of it, and hears nothing more.
func (w *wait) leave(err error) error {
	w.lost = w.lost || !errors.Is(err, errNotApproved)
	return err
}

// challenge sends a nonce, after which the worker shows a code.
func (w *wait) challenge(ctx context.Context) error {
	w.nonce = newNonce()
	if err := w.send(ctx, stepTimeout, &toWorker{Nonce: w.nonce}); err != nil {
		return w.leave(err)
	}
	return nil
}
