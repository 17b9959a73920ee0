package accounts

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Once RevokeToken has returned, nobody comes in by that token, however many try.
func TestRevokeWhileAuthenticating(t *testing.T) {
	r := newRig(t)
	r.user("ann", octaskly.RoleClient)
	for range 20 {
		m := r.machine("ann", "")
		revoked := make(chan struct{})
		var parts sync.WaitGroup
		for range 4 {
			parts.Go(func() {
				for after := false; ; {
					_, err := r.Authenticate(t.Context(), m.Secret)
					if after {
						if err == nil {
							t.Error("a revoked token is good")
						}
						return
					}
					select {
					case <-revoked:
						after = true
					default:
					}
				}
			})
		}
		_, err := r.RevokeToken(t.Context(), root, m.ID)
		close(revoked)
		parts.Wait()
		r.must(err)
	}
}

// All at once, so that the race detector sees it; then memory is what the store has.
func TestEverythingAtOnce(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	var others, parts sync.WaitGroup
	others.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := range 4 {
		name := fmt.Sprint("user", i)
		parts.Go(func() {
			for range 10 {
				r.everything(name)
			}
		})
	}
	parts.Wait()
	stop()
	others.Wait()
	users, tokens := r.book.users, r.book.tokens
	r.restart()
	if len(users) != len(r.book.users) || len(tokens) != len(r.book.tokens) {
		t.Errorf("memory had %d users and %d tokens, the store has %d and %d", len(users), len(tokens), len(r.book.users), len(r.book.tokens))
	}
	for id, row := range r.book.tokens {
		if fmt.Sprint(*row) != fmt.Sprint(*tokens[id]) {
			t.Errorf("memory had %+v, the store has %+v", *tokens[id], *row)
		}
	}
}

func (r *rig) everything(name string) {
	ctx := r.t.Context()
	_, err := r.CreateUser(ctx, root, &api.NewUser{Name: name, Password: password})
	s, err2 := r.try(name, name, password)
	if err != nil || err2 != nil {
		r.t.Error(err, err2)
		return
	}
	m, err := r.CreateToken(ctx, root, &api.NewToken{User: name})
	if err != nil {
		r.t.Error(err)
		return
	}
	who, err := r.Authenticate(ctx, m.Secret)
	if err != nil || who.User != name {
		r.t.Error(who, err)
	}
	_, err = r.refresh(s.Refresh)
	for _, err := range []error{
		err, func() error { _, err := r.RotateKeys(ctx, root); return err }(), r.sweep(ctx), r.writeUses(ctx),
		r.Record(ctx, denied(name, name, "1")), r.writeRefusals(ctx),
		func() error { _, err := r.Tokens(ctx, root, true, api.Page{}); return err }(),
		func() error { _, err := r.Users(ctx, root, api.Page{}); return err }(),
		func() error { r.Quota(name); _, err := r.RevokeToken(ctx, root, m.ID); return err }(),
	} {
		if err != nil {
			r.t.Error(err)
		}
	}
	if _, err := r.Authenticate(ctx, m.Secret); err == nil {
		r.t.Error("a revoked token is good")
	}
	if _, err = r.RemoveUser(ctx, root, name); err != nil {
		r.t.Error(err)
	}
}
