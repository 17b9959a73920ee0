package api

import (
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

var errMissing = errors.New("it is missing")

// require blames a field that is empty.
func (r *request) require(field, text string) {
	if text == "" {
		r.blame(field, errMissing)
	}
}

// usable returns an error where there are no accounts.
func (r *request) usable() error {
	if r.api.accounts == nil {
		return fmt.Errorf("cannot do this: the daemon keeps no users: %w", octaskly.ErrUnavailable)
	}
	return r.bad
}

func (h *Handler) login(r *request) (*Session, error) {
	var how LoginRequest
	r.decode(&how)
	r.require("user", how.User)
	r.require("password", how.Password)
	r.act().Target = printable(how.User)
	if err := r.usable(); err != nil {
		return nil, err
	}
	return r.opened(h.accounts.Login(r.Context(), r.who.From, &how))
}

func (h *Handler) refresh(r *request) (*Session, error) {
	var how RefreshRequest
	r.decode(&how)
	r.require("refresh_token", how.Token)
	if err := r.usable(); err != nil {
		return nil, err
	}
	return r.opened(h.accounts.Refresh(r.Context(), r.who.From, &how))
}

// opened says in the audit log whose session it is: nobody was known before.
func (r *request) opened(s *Session, err error) (*Session, error) {
	if err == nil {
		act := r.act()
		act.Who, act.Role, act.Target = s.User, s.Role, s.User
	}
	return s, err
}

func (h *Handler) logout(r *request) error {
	if err := r.usable(); err != nil {
		return err
	}
	if r.who.Token == "" {
		return fmt.Errorf("cannot log out: %s has shown no token: %w", r.who.Name, octaskly.ErrConflict)
	}
	r.act().Target = r.who.Token
	return h.accounts.Logout(r.Context(), r.who)
}

func (h *Handler) password(r *request) error {
	var how PasswordChange
	r.decode(&how)
	r.require("present", how.Present)
	r.require("new", how.New)
	r.act().Target = r.who.Name
	if err := r.usable(); err != nil {
		return err
	}
	return h.accounts.ChangePassword(r.Context(), r.who, &how)
}
