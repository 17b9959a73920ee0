package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const (
	freshFor       = time.Minute // a token that has less left is renewed ahead
	renewalTimeout = 20 * time.Second
)

// keeper has the tokens of a client.
type keeper struct {
	client  *Client
	store   Store
	turn    chan struct{} // whoever has put something in may use context
	context Context
}

func newKeeper(c *Client, server *Server) *keeper {
	return &keeper{client: c, store: server.Store, context: server.Context, turn: make(chan struct{}, 1)}
}

// token is good for a call. It is never the one that was refused.
func (k *keeper) token(ctx context.Context, refused string) (string, error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	have := &k.context
	switch {
	case have.Token != "" && have.Token != refused:
		return have.Token, nil
	case have.Token != "":
		return "", &Unauthorized{URL: k.context.URL, Token: true, Err: errors.New("the token of this context is not valid any more")}
	case usable(have, refused) && have.Fresh():
		return have.Access, nil
	}
	err := k.renew(ctx, refused)
	if have.Token != "" { // another program has logged in by it
		return have.Token, nil
	}
	_, lost := errors.AsType[*lostSession](err)
	if usable(have, refused) && !lost && (err == nil || time.Now().Before(have.ExpiresAt)) {
		return have.Access, nil // even where it could not be renewed ahead
	}
	if _, unkept := errors.AsType[*Unkept](err); unkept || lost {
		return "", fmt.Errorf("cannot keep the login: %w", err)
	}
	if err == nil {
		err = k.unknown(errors.New("nobody is logged in"))
	}
	return "", err
}

func usable(c *Context, refused string) bool { return c.Access != "" && c.Access != refused }

// Fresh reports whether a call needs no renewal first.
func (c *Context) Fresh() bool {
	return c.Token != "" || c.Access != "" && time.Until(c.ExpiresAt) > freshFor
}

func (k *keeper) unknown(err error) error { return &Unauthorized{URL: k.context.URL, Err: err} }

// renew takes what another program has stored meanwhile, or has the tokens
// renewed: a refresh token must not be used twice.
func (k *keeper) renew(ctx context.Context, refused string) error {
	renewed := false
	apply := func(stored *Context) error {
		if stored.URL != k.context.URL {
			return k.unknown(fmt.Errorf("context %q is of another server now", stored.Name))
		}
		if stored.Token == "" && stored.Refresh != "" && !(usable(stored, refused) && stored.Fresh()) {
			session, err := k.client.refresh(ctx, stored.Refresh)
			if err != nil {
				return err
			}
			stored.Take(session)
			renewed = true
		}
		k.context = *stored
		return nil
	}
	if k.store == nil {
		copied := k.context
		return apply(&copied)
	}
	err := k.store.Renew(ctx, k.context.Name, apply)
	if err != nil && renewed {
		return &lostSession{err}
	}
	return err
}

// lostSession is a renewal that was not stored: this program has the tokens, and
// whoever comes after it has those that are used up.
type lostSession struct{ error }

func (e *lostSession) Unwrap() error { return e.error }

// Take has the tokens of a session from now on.
func (c *Context) Take(s *api.Session) {
	c.Forget()
	c.User, c.Access, c.ExpiresAt, c.Refresh = s.User, s.Access, s.ExpiresAt.UTC().Truncate(time.Second), s.Refresh
}

// Login opens a session. It neither needs the client's own tokens nor changes them.
func (c *Client) Login(ctx context.Context, user, password string) (*api.Session, error) {
	return c.session(ctx, "login", api.LoginRequest{User: user, Password: password})
}

// refresh renews a session. An answer that was lost can be had once more, soon; so
// that none is, it is waited for even where nobody needs it any more.
func (c *Client) refresh(ctx context.Context, token string) (*api.Session, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), renewalTimeout,
		fmt.Errorf("cannot renew the access token within %v: %w", renewalTimeout, octaskly.ErrUnavailable))
	defer cancel()
	session, err := c.session(ctx, "refresh", api.RefreshRequest{Token: token})
	if errors.Is(err, ErrCut) {
		session, err = c.session(ctx, "refresh", api.RefreshRequest{Token: token})
	}
	return session, err
}

// session's ExpiresAt is by this machine's clock, which may be off.
func (c *Client) session(ctx context.Context, path string, body any) (*api.Session, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	answer, err := c.open(ctx, call{method: http.MethodPost, path: root + path, body: body})
	if err != nil {
		return nil, err
	}
	session, err := decode[api.Session](ctx, answer)
	if err != nil {
		return nil, err
	}
	if CheckToken(session.Access) != nil || CheckToken(session.Refresh) != nil || session.Access == "" || session.Refresh == "" {
		return nil, errors.New("cannot use the answer of the dispatcher: it has no good tokens")
	}
	if there, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		session.ExpiresAt = time.Now().Add(session.ExpiresAt.Sub(there))
	}
	return session, nil
}
