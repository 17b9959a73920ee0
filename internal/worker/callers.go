package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// answerTime is how long the dispatcher may take to say who calls.
const answerTime = 5 * time.Second

// callers asks the dispatcher who calls at the worker's own door. Nothing of what it
// says is kept: what is revoked there is refused here at once.
type callers struct {
	mu     sync.Mutex
	asks   chan protocol.Caller // of this session, to be sent; nil: there is none
	able   bool                 // the dispatcher knows this question
	number uint64
	open   map[uint64]chan protocol.Identity // questions that are not answered
}

// begin takes questions for a session, which sends what comes from asks.
func (c *callers) begin(able bool) (asks <-chan protocol.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asks, c.able = make(chan protocol.Caller, protocol.MaxCallers), able
	c.open = map[uint64]chan protocol.Identity{}
	return c.asks
}

// end says that there is no session any more. Who waits for an answer is told so.
func (c *callers) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, answer := range c.open {
		close(answer)
	}
	c.asks, c.open = nil, nil
}

// answered takes the dispatcher's answers. Those that nobody waits for are dropped.
func (c *callers) answered(all []protocol.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range all {
		if answer := c.open[one.Number]; answer != nil {
			delete(c.open, one.Number)
			answer <- one // there is room for it
		}
	}
}

// Identify asks the dispatcher who shows a token, see [callers.identify].
func (w *Worker) Identify(ctx context.Context, caller protocol.Caller) (protocol.Identity, error) {
	return w.callers.identify(ctx, caller)
}

// Identify asks the dispatcher who shows a token, see [callers.identify].
func (r *Relay) Identify(ctx context.Context, caller protocol.Caller) (protocol.Identity, error) {
	return r.callers.identify(ctx, caller)
}

// identify asks who shows a token. The error is octaskly.ErrUnknown if nobody does,
// and octaskly.ErrUnavailable where the dispatcher cannot be asked.
func (c *callers) identify(ctx context.Context, caller protocol.Caller) (protocol.Identity, error) {
	number, answer, err := c.ask(caller)
	if err != nil {
		return protocol.Identity{}, err
	}
	defer c.forget(number)
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	select {
	case who, ok := <-answer:
		return judge(who, ok)
	case <-patience.C:
		return protocol.Identity{}, unavailable(fmt.Sprintf("its dispatcher has not said so within %v", answerTime))
	case <-ctx.Done():
		return protocol.Identity{}, ctx.Err()
	}
}

func judge(who protocol.Identity, ok bool) (protocol.Identity, error) {
	switch {
	case !ok:
		return who, unavailable("its session with the dispatcher has ended meanwhile")
	case who.Busy:
		return who, errManyCallers
	case who.Refused != "":
		return who, &refusedCaller{line(who.Refused, maxCheckText)}
	case who.User == "" || who.Token == "":
		return who, unavailable("its dispatcher has answered nothing that makes sense")
	}
	return who, nil
}

var errManyCallers = fmt.Errorf("cannot tell who is calling: too many ask at once; try again: %w", octaskly.ErrFull)

// ask hands a question to the session.
func (c *callers) ask(caller protocol.Caller) (number uint64, answer <-chan protocol.Identity, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.asks == nil:
		return 0, nil, unavailable("this worker has no session with its dispatcher, who alone knows tokens; octasklyd worker selftest and the worker's Unix socket still answer on its machine")
	case !c.able:
		return 0, nil, unavailable("its dispatcher is of an older version, which does not tell; upgrade the dispatcher")
	case len(c.open) >= protocol.MaxCallers:
		return 0, nil, errManyCallers
	}
	c.number++
	caller.Number = c.number
	select {
	case c.asks <- caller:
	default: // given up before they were sent
		return 0, nil, errManyCallers
	}
	mine := make(chan protocol.Identity, 1)
	c.open[c.number] = mine
	return c.number, mine, nil
}

func (c *callers) forget(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, number)
}

func unavailable(why string) error {
	return fmt.Errorf("cannot tell who is calling: %s: %w", why, octaskly.ErrUnavailable)
}

// refusedCaller is the dispatcher's word on a token, octaskly.ErrUnknown.
type refusedCaller struct{ why string }

func (e *refusedCaller) Error() string { return e.why }

func (e *refusedCaller) Unwrap() error { return octaskly.ErrUnknown }
