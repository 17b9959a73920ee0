package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

// Doorkeeper knows whose a token is, and writes down who was refused.
type Doorkeeper interface {
	Authenticate(ctx context.Context, token string) (*api.Identity, error)
	Record(context.Context, *octaskly.Action) error
}

const maxCallerToken = 8 << 10

func checkCallers(callers []protocol.Caller) error {
	if len(callers) > protocol.MaxCallers {
		return fmt.Errorf("it asks for %d callers at once, %d are allowed", len(callers), protocol.MaxCallers)
	}
	for i := range callers {
		c := &callers[i]
		if _, err := netip.ParseAddr(c.From); err != nil {
			return errors.New("it asks for a caller from no address")
		}
		if len(c.Token) > maxCallerToken || len(c.Action) > maxReason || !printable(c.Action) || strings.Contains(c.Action, " ") {
			return errors.New("it asks for a caller that is none")
		}
	}
	return nil
}

// meet finds out who the callers at a worker's door are, each aside: a refusal
// waits for the disk.
func (d *Dispatcher) meet(ctx context.Context, s *session, callers []protocol.Caller, aside *sync.WaitGroup) {
	for _, caller := range callers {
		select {
		case s.meeting <- struct{}{}:
			aside.Go(func() {
				defer func() { <-s.meeting }()
				s.send(&protocol.ToWorker{Callers: []protocol.Identity{d.identify(ctx, s, &caller)}})
			})
		default:
			s.send(&protocol.ToWorker{Callers: []protocol.Identity{{Number: caller.Number, Busy: true}}})
		}
	}
}

// identify answers one question. Who is refused, here or by the worker, stands in
// the audit log before that hears of it.
func (d *Dispatcher) identify(ctx context.Context, s *session, c *protocol.Caller) protocol.Identity {
	who := protocol.Identity{Number: c.Number}
	if d.Callers == nil {
		who.Refused = "this dispatcher keeps no users"
		return who
	}
	known, err := d.Callers.Authenticate(ctx, c.Token)
	refusal := octaskly.Action{At: now(), From: c.From, What: c.Action, Target: s.name()}
	switch {
	case err != nil:
		who.Refused, refusal.Outcome = err.Error(), api.KindOf(err)
	case !auth.Of(known.Role).Allows(auth.Permission(c.Permission)):
		refusal.Outcome = api.KindOf(octaskly.ErrDenied)
	}
	if err == nil {
		who.User, who.Role, who.Token = known.User, known.Role, known.Token
		refusal.Who, refusal.Role, refusal.Token = known.User, known.Role, known.Token
	}
	if refusal.Outcome != "" {
		refusal.Detail = "at the worker's door"
		if err := d.Callers.Record(ctx, &refusal); err != nil && ctx.Err() == nil {
			d.Log.Error("Cannot write the audit log", "action", refusal.What, "worker", refusal.Target, "err", err)
			return protocol.Identity{Number: c.Number, Busy: true}
		}
	}
	return who
}

// name is how its worker calls itself.
func (s *session) name() string {
	if name := s.called.Load(); name != nil && len(*name) <= maxWorkerName && printable(*name) {
		return *name
	}
	return s.link.Peer()
}
