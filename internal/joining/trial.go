package joining

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var errTries = fmt.Errorf("%w: %d wrong codes were typed for it", octaskly.ErrDenied, MaxTries)

// judge finds out whether t's code is what the worker shows, and tells whoever has typed it.
// Then it is done with the worker, unless the code was wrong and another may be tried.
func (w *wait) judge(ctx context.Context, t trial) (done bool, err error) {
	err = w.try(ctx, t.code)
	wrong := errors.Is(err, ErrWrongCode)
	if wrong {
		w.tries++
	}
	t.verdict <- err
	switch {
	case !wrong:
		return true, err
	case w.tries == MaxTries:
		return true, errTries
	}
	if err := w.again(ctx); err != nil {
		return true, err
	}
	return false, nil
}

func (w *wait) try(ctx context.Context, code Code) error {
	opening := newNonce()
	if err := w.send(ctx, stepTimeout, &toWorker{Claim: w.subject.claim(opening, code)}); err != nil {
		return w.leave(err)
	}
	m, err := w.next()
	if err != nil {
		return err
	}
	nonce := m.Reveal
	if len(nonce) != nonceSize || !hmac.Equal(w.subject.commit(nonce), w.commitment) {
		return w.leave(fmt.Errorf("%w: it reveals something else than it was bound to", ErrForeign))
	}
	if want := w.subject.code(nonce, w.nonce, w.application.ID, w.application.Name); !want.is(code) {
		return ErrWrongCode
	}
	ctx, cancel := context.WithTimeout(ctx, issueTimeout-stepTimeout)
	defer cancel()
	return w.issue(ctx, opening)
}

// again begins anew, with new nonces on both sides.
func (w *wait) again(ctx context.Context) error {
	if err := w.send(ctx, stepTimeout, &toWorker{Wrong: true}); err != nil {
		return w.leave(err)
	}
	m, err := w.next()
	if err != nil {
		return err
	}
	if len(m.Commitment) != sha256.Size {
		return w.leave(fmt.Errorf("%w: it does not commit to another nonce", ErrForeign))
	}
	w.commitment = m.Commitment
	return w.challenge(ctx)
}

// next is what the worker answers by itself.
func (w *wait) next() (*fromWorker, error) {
	late := time.NewTimer(stepTimeout)
	defer late.Stop()
	select {
	case m := <-w.inbox:
		return m, nil
	case err := <-w.gone:
		return nil, w.leave(err)
	case <-late.C:
		return nil, w.leave(fmt.Errorf("the worker has not answered for %v", stepTimeout))
	}
}
