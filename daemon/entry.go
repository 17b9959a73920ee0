package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/backup"
	"github.com/octaskly/octaskly/internal/config"
	"github.com/octaskly/octaskly/internal/joining"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/roster"
	"github.com/octaskly/octaskly/internal/security"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/internal/transport"
)

// entry is where workers join, and show what they got by it.
type entry struct {
	*roster.Roster
	authorities *authorities
	record      func(context.Context, *octaskly.Action) error // in the audit log
}

func openRoster(c *config.Dispatcher, p *process, db *store.Store, keys security.Keys, authorities *authorities) (*entry, error) {
	r, err := roster.New(roster.Config{
		Store: db, Fleet: c.Fleet,
		Keys:      func() []security.Key { return keys.Counting(time.Now()) },
		Authority: authorities.present, Signer: authorities.signer,
		Policy: policyOf(c.Join), Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	return &entry{Roster: r, authorities: authorities}, nil
}

// warnOrphans says what it means that the authority's file was not there.
func (e *entry) warnOrphans(log *slog.Logger) {
	if n := e.Certified(); n > 0 {
		log.Warn("Workers have certificates of the authority that was here before, and do not know this one; put "+backup.Authority+
			" back from a backup and start again, or move identity.pem away on each of them: then they join anew", "workers", n)
	}
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func policyOf(j config.Join) roster.Policy { return roster.Policy{Allow: j.Allow, Key: j.Key} }

// transport has a listener take workers with certificates, and those that want one.
func (e *entry) transport(cfg transport.Config) transport.Config {
	cfg.Authority = &transport.Authority{Roots: e.authorities.roots, Certificate: e.authorities.certificate}
	cfg.Admit, cfg.Join = e.Admit, e.join
	cfg.Former = func() []security.Key { return e.Keys()[1:] }
	return cfg
}

// join answers one machine that wants to be a worker.
func (e *entry) join(ctx context.Context, j *transport.Joiner) error {
	bound, err := security.Exporter(j.State)
	if err != nil {
		return err
	}
	shown := e.authorities.named(j.State.ServerName)
	err = joining.Answer(ctx, joining.Visit{Conn: j, Exporter: bound, Authority: shown.Certificate(), Address: j.Address}, e.Roster)
	if rejected, ok := errors.AsType[*joining.Rejection](err); ok {
		err = errors.Join(err, e.note(ctx, rejected))
	}
	return err
}

// note writes into the audit log who was not let in, unless that is nobody's decision.
func (e *entry) note(ctx context.Context, r *joining.Rejection) error {
	refusals := []error{octaskly.ErrDenied, octaskly.ErrConflict, octaskly.ErrGone, octaskly.ErrNotFound}
	_, isBad := errors.AsType[*octaskly.FieldError](r.Err)
	if !isBad && !slices.ContainsFunc(refusals, func(kind error) bool { return errors.Is(r.Err, kind) }) {
		return nil
	}
	return e.record(ctx, &octaskly.Action{
		What: "worker.join", From: r.Host(), Target: r.Name, Outcome: api.KindOf(r.Err), Detail: "by " + r.Way.String() + "; id " + string(r.ID) + ": " + r.Err.Error(),
	})
}
