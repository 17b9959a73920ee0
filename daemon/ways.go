package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/transport"
)

// join tries one way after the other, while the dispatcher refuses them for good.
func (e *entrance) join(ctx context.Context, p place, has secrets) (err error) {
	ways := e.ways(p, has)
	for i, way := range ways {
		err = e.joinBy(ctx, p, way)
		var refused *joining.Refusal
		if err == nil || !errors.As(err, &refused) || refused.Again {
			return err
		}
		if i+1 < len(ways) {
			e.warn("The dispatcher does not take the worker; it tries another way", "way", way.name, "next", ways[i+1].name, "why", refused.Why)
		}
	}
	return err
}

// way is how a worker joins on a connection.
type way struct {
	name string
	ask  func(context.Context, joining.Door, joining.Applicant) (*joining.Identity, error)
	slow bool // somebody has to type something
}

// ways are those that are open at p. An invite was given for this very worker, so it
// comes first; and who has been invited may ask to be approved when that is over.
func (e *entrance) ways(p place, has secrets) (list []way) {
	if has.invite != nil {
		list = append(list, way{"invite", func(ctx context.Context, d joining.Door, who joining.Applicant) (*joining.Identity, error) {
			return joining.AskWithInvite(ctx, d, who, has.invite)
		}, false})
	}
	if !has.key.IsZero() {
		return append(list, way{"key", func(ctx context.Context, d joining.Door, who joining.Applicant) (*joining.Identity, error) {
			return joining.AskWithKey(ctx, d, who, has.key)
		}, false})
	}
	if has.invite == nil || !p.hearsay {
		list = append(list, way{"approval", e.askForApproval, true})
	}
	return list
}

func (e *entrance) joinBy(ctx context.Context, p place, w way) error {
	if w.slow {
		if err := e.pause.over(time.Now()); err != nil {
			return err
		}
	}
	soon, cancel := p.limit(ctx)
	defer cancel()
	cfg := transport.Config{Slow: e.slow}
	if w.slow && e.papers.held.Load().Joined() { // the authority of before, or somebody has to say so
		cfg.Credentials = e.papers.credentials()
	}
	j, err := transport.DialJoin(soon, e.protocol, p.address, cfg)
	if err != nil {
		return err
	}
	defer j.Close()
	bound, err := security.Exporter(j.State)
	if err != nil {
		return err
	}
	if w.slow {
		soon = ctx
	}
	door := joining.Door{Conn: j, Exporter: bound, Chain: inDER(j.State.PeerCertificates)}
	who := joining.Applicant{ID: e.id, Name: e.name, Software: version, Key: e.papers.held.Load().Key}
	identity, err := w.ask(soon, door, who)
	if err != nil {
		return fmt.Errorf("at %q: %w", p.address, err)
	}
	if err := e.papers.keep(identity); err != nil {
		return err
	}
	e.log.Info("This worker has joined", "fleet", identity.Fleet, "way", w.name, "address", p.address, "until", identity.Certificate.NotAfter)
	return nil
}

func inDER(chain []*x509.Certificate) [][]byte {
	list := make([][]byte, len(chain))
	for i, c := range chain {
		list[i] = c.Raw
	}
	return list
}
