package main

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/protocol"
)

// noAuthority is for a socket of the service manager: config has refused the rest.
func noAuthority() (certificates, error) {
	return nil, errors.New("cannot serve REST: a worker has no certificate of its own; give tls_cert and tls_key")
}

// answer has a worker answer for itself at its doors, of which control and rest may be
// missing, until ctx is done.
func (s *self) answer(ctx context.Context, control net.Listener, rest *restDoor, log *slog.Logger) error {
	limits := config.DefaultRest()
	handler := api.NewWorker(s, s, api.Config{
		Version: version, Access: api.AccessList(config.DefaultAccess()),
		Rate: float64(limits.Requests), Burst: int(limits.Burst),
		Metrics: []api.Meter{processMeter(dirs.Worker), s.metrics}, Log: log,
	})
	if rest != nil {
		log.Info("Worker answers for itself by REST", "rest", rest.address())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if control == nil {
			return nil
		}
		return api.Serve(ctx, control, handler, log)
	})
	group.Go(func() error { return rest.serve(ctx, handler, log) })
	return group.Wait()
}

// Identify asks the dispatcher who calls.
func (s *self) Identify(ctx context.Context, token string, visit api.Visit) (*api.Identity, error) {
	who, err := s.who(ctx, protocol.Caller{Token: token, From: visit.From, Action: visit.Action, Permission: uint32(visit.Permission)})
	if err != nil {
		return nil, err
	}
	return &api.Identity{User: who.User, Role: who.Role, Token: who.Token}, nil
}
