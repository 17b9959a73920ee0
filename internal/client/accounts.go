package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// Self says who the daemon takes the caller for.
func (c *Client) Self(ctx context.Context) (*api.Identification, error) {
	return fetch[api.Identification](ctx, c, call{path: root + "self"})
}

// Logout ends the session that the client's token belongs to.
func (c *Client) Logout(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodPost, path: root + "logout"})
}

// ChangePassword is for the caller's own.
func (c *Client) ChangePassword(ctx context.Context, present, next string) error {
	return c.do(ctx, call{method: http.MethodPost, path: root + "password", body: api.PasswordChange{Present: present, New: next}})
}

// do sends a call whose answer is that it was done.
func (c *Client) do(ctx context.Context, call call) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	answer, err := c.open(ctx, call)
	if err != nil {
		return err
	}
	discard(answer.Body)
	return nil
}

// Users lists whom the dispatcher itself knows, by name.
func (c *Client) Users(ctx context.Context) ([]api.User, error) {
	return pages(func(v url.Values) ([]api.User, error) {
		list, err := fetch[api.Users](ctx, c, call{path: root + "users", query: v})
		if err != nil {
			return nil, err
		}
		return list.Users, nil
	}, func(u *api.User) string { return u.Name })
}

// pages gets all of a list, page by page.
func pages[T any](get func(url.Values) ([]T, error), name func(*T) string) (all []T, err error) {
	v := url.Values{}
	for setInt(v, "limit", api.MaxLimit); ; v.Set("after", name(&all[len(all)-1])) {
		page, err := get(v)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < api.MaxLimit {
			return all, nil
		}
	}
}

// User tells of one user.
func (c *Client) User(ctx context.Context, name string) (*api.User, error) {
	return fetch[api.User](ctx, c, call{path: userPath(name)})
}

// CreateUser returns once the user is on the dispatcher's disk, as do those below.
func (c *Client) CreateUser(ctx context.Context, user api.NewUser) (*api.User, error) {
	return fetch[api.User](ctx, c, call{method: http.MethodPost, path: root + "users", body: user})
}

// ChangeUser changes what how says, and leaves the rest.
func (c *Client) ChangeUser(ctx context.Context, name string, how api.UserChange) (*api.User, error) {
	return fetch[api.User](ctx, c, call{method: http.MethodPatch, path: userPath(name), body: how})
}

// RemoveUser forgets a user and ends his tokens.
func (c *Client) RemoveUser(ctx context.Context, name string) (*api.User, error) {
	return fetch[api.User](ctx, c, call{method: http.MethodDelete, path: userPath(name)})
}

func userPath(name string) string { return root + "users/" + url.PathEscape(name) }

// Tokens lists the caller's, or with all everybody's, the latest first.
func (c *Client) Tokens(ctx context.Context, all bool) ([]api.Token, error) {
	return pages(func(v url.Values) ([]api.Token, error) {
		setBool(v, "all", all)
		list, err := fetch[api.Tokens](ctx, c, call{path: root + "tokens", query: v})
		if err != nil {
			return nil, err
		}
		return list.Tokens, nil
	}, func(t *api.Token) string { return t.ID })
}

// CreateToken returns the only copy of the token.
func (c *Client) CreateToken(ctx context.Context, token api.NewToken) (*api.CreatedToken, error) {
	return fetch[api.CreatedToken](ctx, c, call{method: http.MethodPost, path: root + "tokens", body: token})
}

// RevokeToken ends a token, or the session of a login, at once.
func (c *Client) RevokeToken(ctx context.Context, id string) (*api.Token, error) {
	return fetch[api.Token](ctx, c, call{method: http.MethodDelete, path: root + "tokens/" + url.PathEscape(id)})
}

// RotateKeys has tokens signed by a new key from now on.
func (c *Client) RotateKeys(ctx context.Context) (*api.Keys, error) {
	return fetch[api.Keys](ctx, c, call{method: http.MethodPost, path: root + "keys/rotate"})
}

// Audit lists actions, the newest first.
func (c *Client) Audit(ctx context.Context, f api.AuditFilter) ([]api.AuditRow, error) {
	v := url.Values{}
	set(v, "who", f.Who)
	set(v, "what", f.What)
	set(v, "target", f.Target)
	set(v, "outcome", f.Outcome)
	setTime(v, "since", f.Since)
	setTime(v, "until", f.Until)
	setInt(v, "before", f.Before)
	setInt(v, "limit", int64(f.Limit))
	list, err := fetch[api.Audit](ctx, c, call{path: root + "audit", query: v})
	if err != nil {
		return nil, err
	}
	return list.Actions, nil
}

func setTime(v url.Values, name string, t time.Time) {
	if !t.IsZero() {
		v.Set(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// VerifyAudit goes through all of the log, which takes as long as it takes; anchor
// may be nil.
func (c *Client) VerifyAudit(ctx context.Context, anchor *api.Anchor) (*api.AuditReport, error) {
	call := call{method: http.MethodPost, path: root + "audit/verify"}
	if anchor != nil {
		call.body = anchor
	}
	answer, err := c.open(ctx, call)
	if err != nil {
		return nil, err
	}
	return decode[api.AuditReport](ctx, answer)
}

// Anchor names the last row of the log.
func (c *Client) Anchor(ctx context.Context) (*api.Anchor, error) {
	return fetch[api.Anchor](ctx, c, call{path: root + "audit/anchor"})
}
