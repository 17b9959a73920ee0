package api

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Tokens is GET /api/v1/tokens, the latest first. The next page is after the id of
// the last of this one.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

func (h *Handler) listTokens(r *request) (*Tokens, error) {
	all, page := r.flag("all"), r.page()
	if all {
		r.refuse(r.allTokens("list the tokens of all users"))
	}
	if err := r.usable(); err != nil {
		return nil, err
	}
	tokens, err := h.accounts.Tokens(r.Context(), r.who, all, page)
	return &Tokens{listed(tokens)}, err
}

func (h *Handler) createToken(r *request) (*CreatedToken, error) {
	var token NewToken
	r.decode(&token)
	r.blame("name", checkText(token.Name, octaskly.MaxName))
	r.blame("user", checkText(token.User, octaskly.MaxName))
	r.checkRole(token.Role)
	if token.User != "" && token.User != r.who.Name {
		r.refuse(r.allTokens("make a token for somebody else"))
	}
	if err := r.usable(); err != nil {
		return nil, err
	}
	made, err := h.accounts.CreateToken(r.Context(), r.who, &token)
	if err == nil {
		r.act().Target = made.ID
	}
	return made, err
}

func (h *Handler) revokeToken(r *request) (*Token, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.RevokeToken(r.Context(), r.who, r.PathValue("token"))
}

func (h *Handler) rotateKeys(r *request) (*Keys, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.RotateKeys(r.Context(), r.who)
}

// allTokens returns an error for who has to do with his own only.
func (r *request) allTokens(what string) error {
	if auth.Of(r.who.Role).Allows(auth.AllTokens) {
		return nil
	}
	return fmt.Errorf("cannot %s: that takes an admin: %w", what, octaskly.ErrDenied)
}
