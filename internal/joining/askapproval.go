package joining

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"fmt"
)

// AskForApproval joins by a code that somebody reads here and types there. It calls
// show with each code that is good from then on, and with "" when it is no longer,
// in this goroutine and before it returns. An approval takes up to Patience. The
// errors are those of AskWithKey and ErrSpent, after which to wait for a minute at least before
// asking anywhere again, and twice as long each time: whoever answered may be guessing.
func AskForApproval(ctx context.Context, door Door, who Applicant, show func(Code)) (*Identity, error) {
	return reported(askForApproval(ctx, door, who, show))
}

func askForApproval(ctx context.Context, door Door, who Applicant, show func(Code)) (*Identity, error) {
	a, err := newAsking(door, who, ByApproval)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Patience+stepTimeout, errNoApproval)
	defer cancel()
	nonce := newNonce()
	a.apply.Commitment = a.subject.commit(nonce)
	first := &fromWorker{Apply: a.apply}
	for try := 1; ; try++ {
		if err := a.send(ctx, stepTimeout, first); err != nil {
			return nil, err
		}
		claim, code, err := a.showCode(ctx, nonce, show)
		if err != nil {
			return nil, err
		}
		j, err := a.reveal(ctx, nonce, claim, code)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrSpent, err)
		case j != nil:
			return a.identity(j)
		case try == MaxTries:
			return nil, ErrSpent
		}
		nonce = newNonce()
		first = &fromWorker{Commitment: a.subject.commit(nonce)}
	}
}

var errNoApproval = fmt.Errorf("nobody has approved it for %v", Patience)

func newNonce() []byte {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce) // never fails, by its documentation
	return nonce
}

// showCode shows the code of nonce until the dispatcher claims that it was typed.
func (a *asking) showCode(ctx context.Context, nonce []byte, show func(Code)) (claim []byte, code Code, err error) {
	answer, err := a.hear(ctx, stepTimeout)
	if err != nil {
		return nil, "", err
	}
	if len(answer.Nonce) != nonceSize {
		return nil, "", errForeignAnswer
	}
	code = a.subject.code(nonce, answer.Nonce, a.who.ID, a.who.Name)
	show(code)
	defer show("")
	claim, err = a.awaitClaim(ctx)
	return claim, code, err
}

func (a *asking) awaitClaim(ctx context.Context) ([]byte, error) {
	for {
		answer, err := a.hear(ctx, silence)
		switch {
		case err != nil:
			return nil, err
		case answer.Claim != nil:
			return answer.Claim, nil
		case !answer.Ping:
			return nil, errForeignAnswer
		}
		if err := a.send(ctx, stepTimeout, &fromWorker{Pong: true}); err != nil {
			return nil, err
		}
	}
}

// reveal gives code away, and returns what the dispatcher has issued, or nil if another
// code was typed there.
func (a *asking) reveal(ctx context.Context, nonce, claim []byte, code Code) (*joined, error) {
	if err := a.send(ctx, stepTimeout, &fromWorker{Reveal: nonce}); err != nil {
		return nil, err
	}
	answer, err := a.hear(ctx, issueTimeout)
	switch {
	case err != nil:
		return nil, err
	case answer.Wrong:
		return nil, nil
	case answer.Joined == nil:
		return nil, errForeignAnswer
	}
	opening := answer.Joined.Proof
	if len(opening) != nonceSize || !hmac.Equal(a.subject.claim(opening, code), claim) {
		return nil, fmt.Errorf("%w: it had not heard the code", ErrImpostor)
	}
	return answer.Joined, nil
}
