package api

import (
	"context"
	"fmt"
	"time"
)

// lookAgain is how soon a token's end is looked for again: the clock that it goes by
// may be set, or have gone on while the machine slept.
const lookAgain = time.Minute

// streamContext ends with the request, as soon as the daemon stops (a stream may go on
// for ever, so that nobody waits for its end), and with what the caller's token permits.
// The cause is then why. Whoever calls end waits for all of that to be over.
func streamContext(w *answer, r *request) (ctx context.Context, end func(), err error) {
	leave, err := r.enterStreams()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(connectionOf(ctx).stopping, func() { cancel(nil) })
	watched := make(chan struct{})
	cut := w.ResponseController.SetWriteDeadline // of now: keepAlive puts another in its place
	go func() {
		defer close(watched)
		if err := r.standing(ctx); err != nil {
			cut(time.Now()) // a reader who pauses keeps nothing open
			cancel(err)
		}
	}()
	return ctx, func() { stop(); cancel(nil); <-watched; leave() }, nil
}

// maxFollowed is how many streams a user may have from one address, which leaves
// some of its connections to others there.
const maxFollowed = 48

// enterStreams takes a place for a stream.
func (r *request) enterStreams() (leave func(), err error) {
	c := connectionOf(r.Context())
	if c.door == unixDoor {
		return func() {}, nil
	}
	key := c.peer.network().String() + " " + r.who.Name
	if !r.api.streams.Enter(key) {
		return nil, &TooSoon{Why: fmt.Sprintf("cannot follow any more for you at this address: you follow %d things from there; end some of them, or try again", maxFollowed), After: time.Second}
	}
	return func() { r.api.streams.Leave(key) }, nil
}

// standing returns an error when the caller may no longer what he may, or nil when ctx ends.
func (r *request) standing(ctx context.Context) error {
	if r.api.accounts == nil || r.who.Token == "" {
		return nil
	}
	for {
		changed, until, err := r.api.accounts.Standing(r.who)
		if err != nil {
			return err
		}
		expiry := time.NewTimer(min(time.Until(until), lookAgain))
		select {
		case <-changed:
		case <-expiry.C:
		case <-ctx.Done():
			expiry.Stop()
			return nil
		}
		expiry.Stop()
	}
}

// whyEnded is the error of a stream whose context may have ended: never none for one
// that was stopped, which is no whole stream.
func whyEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
