package api

import (
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Identification is GET /api/v1/self: who the caller is to the daemon.
type Identification struct {
	Name        string        `json:"name"`
	Role        octaskly.Role `json:"role"`
	Token       string        `json:"token,omitempty"` // the id of the one that was shown
	From        string        `json:"from"`
	Permissions []string      `json:"permissions"`
}

// permissionNames are those of all permissions, see package auth.
var permissionNames = []struct {
	permission auth.Permission
	name       string
}{
	{auth.Submit, "submit"},
	{auth.ReadTasks, "read-tasks"},
	{auth.ChangeTasks, "change-tasks"},
	{auth.AllTasks, "all-tasks"},
	{auth.ReadWorkers, "read-workers"},
	{auth.ChangeWorkers, "change-workers"},
	{auth.ReadStats, "read-stats"},
	{auth.ReadMetrics, "read-metrics"},
	{auth.ManageUsers, "manage-users"},
	{auth.OwnTokens, "own-tokens"},
	{auth.AllTokens, "all-tokens"},
	{auth.ReadAudit, "read-audit"},
}

func (h *Handler) self(r *request) (*Identification, error) {
	me := &Identification{Name: r.who.Name, Role: r.who.Role, Token: r.who.Token, From: r.who.From, Permissions: []string{}}
	for _, p := range permissionNames {
		if auth.Of(r.who.Role).Allows(p.permission) {
			me.Permissions = append(me.Permissions, p.name)
		}
	}
	return me, nil
}
