package api

import (
	"context"
	"time"
)

// lookAgain is how soon a token's end is looked for again: the clock that it goes by
// may be set, or have gone on while the machine slept.
const lookAgain = time.Minute

// streamContext ends with the request, as soon as the daemon stops (a stream may go on
// for ever, so that nobody waits for its end), and with what the caller's token permits.
// The cause is then why. Whoever calls end waits for all of that to be over.
func streamContext(w *answer, r *request) (ctx context.Context, end func()) {
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
	return ctx, func() { stop(); cancel(nil); <-watched }
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
