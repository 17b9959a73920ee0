package api

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Users is GET /api/v1/users, by name. The next page is after the last of this one.
type Users struct {
	Users []User `json:"users"`
}

func (h *Handler) users(r *request) (*Users, error) {
	page := r.page()
	if err := r.usable(); err != nil {
		return nil, err
	}
	users, err := h.accounts.Users(r.Context(), r.who, page)
	return &Users{listed(users)}, err
}

// page is what after and limit say.
func (r *request) page() Page {
	return Page{After: r.text("after", octaskly.MaxName), Limit: int(r.number("limit", 1, MaxLimit, DefaultLimit))}
}

func (h *Handler) user(r *request) (*User, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.User(r.Context(), r.who, r.PathValue("user"))
}

func (h *Handler) createUser(r *request) (*User, error) {
	var user NewUser
	r.decode(&user)
	r.require("name", user.Name)
	r.blame("name", checkText(user.Name, octaskly.MaxName))
	r.checkRole(user.Role)
	r.checkQuota(user.Quota)
	r.act().Target = printable(user.Name)
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.CreateUser(r.Context(), r.who, &user)
}

func (h *Handler) changeUser(r *request) (*User, error) {
	var change UserChange
	r.decode(&change)
	r.checkRole(change.Role)
	if change.Quota != nil {
		r.checkQuota(*change.Quota)
	}
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.ChangeUser(r.Context(), r.who, r.PathValue("user"), &change)
}

func (h *Handler) removeUser(r *request) (*User, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	return h.accounts.RemoveUser(r.Context(), r.who, r.PathValue("user"))
}

func (r *request) checkRole(role octaskly.Role) {
	if role != "" {
		_, err := octaskly.ParseRole(string(role))
		r.blame("role", err)
	}
}

func (r *request) checkQuota(q Quota) {
	for name, n := range map[string]float64{"queued": float64(q.Queued), "running": float64(q.Running), "submits_per_second": q.Rate} {
		if n < 0 && n != -1 {
			r.blame("quota."+name, fmt.Errorf("%v is neither a bound, 0 (as configured) nor -1 (none)", n))
		}
	}
}
