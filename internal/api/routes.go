package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/octaskly/octaskly/internal/auth"
)

// route is one line of the API.
type route struct {
	method string
	path   string
	access
	action string // what the audit log calls it
	params string // of the query; others are refused
	handle handler
}

// handler answers a request. It writes nothing before the last error that it
// can return, or the connection is cut.
type handler func(*answer, *request) error

// Actions that are treated apart.
const (
	submitTask = "task.submit"
	putBlob    = "blob.put" // no row of its own: blobs are nothing before a task names them
)

// changes reports whether the action is more than to read, and has a row.
func (r route) changes() bool { return r.action != "" && !strings.HasSuffix(r.action, ".read") }

// routes is the API. An {id} is that of a job or element where the handler
// reads one, and a selector (see ParseSelection) where it changes tasks. A
// {worker} is a worker's id or name. An {invite} is its id.
func (h *Handler) routes() []route {
	return slices.Concat([]route{
		{"GET", "/health", open, "health.read", "", reply(h.health)},
		{"GET", "/metrics", needs(auth.ReadMetrics), "metrics.read", "", h.metrics},
		{"GET", "/api/v1/version", known, "version.read", "", reply(h.version)},
		{"GET", "/api/v1/openapi.json", known, "openapi.read", "", h.openAPI},
		{"GET", "/api/v1/self", known, "self.read", "", reply(h.self)},

		{"POST", "/api/v1/tasks", needs(auth.Submit), submitTask, "", create(h.submit)},
		{"GET", "/api/v1/tasks", needs(auth.ReadTasks), "task.read", "select state owner limit before all all_users", reply(h.jobs)},
		{"GET", "/api/v1/tasks/{id}", needs(auth.ReadTasks), "task.read", "", reply(h.show)},
		{"DELETE", "/api/v1/tasks/{id}", needs(auth.ChangeTasks), "task.cancel", "reason all_users", reply(h.cancel)},
		{"POST", "/api/v1/tasks/{id}/signal", needs(auth.ChangeTasks), "task.signal", "all_users", reply(h.signal)},
		{"POST", "/api/v1/tasks/{id}/retry", needs(auth.ChangeTasks), "task.retry", "all_users", reply(h.retry)},
		{"GET", "/api/v1/tasks/{id}/elements", needs(auth.ReadTasks), "task.read", "state from limit", reply(h.elements)},
		{"GET", "/api/v1/tasks/{id}/why", needs(auth.ReadTasks | auth.ReadWorkers), "task.read", "", reply(h.why)},
		{"GET", "/api/v1/tasks/{id}/watch", needs(auth.ReadTasks), "task.read", "", h.watch},
		{"GET", "/api/v1/tasks/{id}/output", needs(auth.ReadTasks), "task.read", "attempt follow from stream", h.output},

		{"PUT", "/api/v1/blobs/{hash}", needs(auth.Submit), putBlob, "", h.putBlob},
		{"HEAD", "/api/v1/blobs/{hash}", needs(auth.Submit), "blob.read", "", h.hasBlob},

		{"GET", "/api/v1/workers", needs(auth.ReadWorkers), "worker.read", "", reply(h.workers)},
		{"GET", "/api/v1/workers/{worker}", needs(auth.ReadWorkers), "worker.read", "", reply(h.worker)},
		{"DELETE", "/api/v1/workers/{worker}", needs(auth.ChangeWorkers), "worker.remove", "", reply(h.removeWorker)},
		{"POST", "/api/v1/workers/{worker}/drain", needs(auth.ChangeWorkers), "worker.drain", "", reply(h.drain)},
		{"POST", "/api/v1/workers/{worker}/resume", needs(auth.ChangeWorkers), "worker.resume", "", reply(h.resume)},
		{"GET", "/api/v1/pending", needs(auth.ChangeWorkers), "worker.read", "", reply(h.pending)},
		{"POST", "/api/v1/workers/{worker}/approve", needs(auth.ChangeWorkers), "worker.approve", "", reply(h.approve)},
		{"POST", "/api/v1/workers/{worker}/reject", needs(auth.ChangeWorkers), "worker.reject", "", reply(h.reject)},
		{"GET", "/api/v1/invites", needs(auth.ChangeWorkers), "invite.read", "", reply(h.invites)},
		{"POST", "/api/v1/invites", needs(auth.ChangeWorkers), "invite.create", "", create(h.invite)},
		{"DELETE", "/api/v1/invites/{invite}", needs(auth.ChangeWorkers), "invite.revoke", "", reply(h.revokeInvite)},
		{"GET", "/api/v1/events", needs(auth.ReadTasks), "event.read", "since before task worker kind limit", h.events},
		{"GET", "/api/v1/stats", needs(auth.ReadStats), "stats.read", "owner", reply(h.stats)},
	}, h.accountRoutes())
}

// accountRoutes are those of users, tokens and the audit log.
func (h *Handler) accountRoutes() []route {
	return []route{
		{"POST", "/api/v1/login", open, "session.login", "", reply(h.login)},
		{"POST", "/api/v1/refresh", open, "session.refresh", "", reply(h.refresh)},
		{"POST", "/api/v1/logout", known, "session.logout", "", done(h.logout)},
		{"POST", "/api/v1/password", known, "user.password", "", done(h.password)},

		{"GET", "/api/v1/users", needs(auth.ManageUsers), "user.read", "after limit", reply(h.users)},
		{"POST", "/api/v1/users", needs(auth.ManageUsers), "user.create", "", create(h.createUser)},
		{"GET", "/api/v1/users/{user}", needs(auth.ManageUsers), "user.read", "", reply(h.user)},
		{"PATCH", "/api/v1/users/{user}", needs(auth.ManageUsers), "user.change", "", reply(h.changeUser)},
		{"DELETE", "/api/v1/users/{user}", needs(auth.ManageUsers), "user.remove", "", reply(h.removeUser)},

		{"GET", "/api/v1/tokens", needs(auth.OwnTokens), "token.read", "all after limit", reply(h.listTokens)},
		{"POST", "/api/v1/tokens", needs(auth.OwnTokens), "token.create", "", create(h.createToken)},
		{"DELETE", "/api/v1/tokens/{token}", needs(auth.OwnTokens), "token.revoke", "", reply(h.revokeToken)},
		{"POST", "/api/v1/keys/rotate", needs(auth.ManageUsers), "key.rotate", "", reply(h.rotateKeys)},

		{"GET", "/api/v1/audit", needs(auth.ReadAudit), "audit.read", "who what target outcome since until before limit", reply(h.audit)},
		{"POST", "/api/v1/audit/verify", needs(auth.ReadAudit), "audit.verify", "", reply(h.verifyAudit)},
		{"GET", "/api/v1/audit/anchor", needs(auth.ReadAudit), "audit.anchor", "", reply(h.anchor)},
	}
}

// reply answers with what f returns.
func reply[T any](f func(*request) (T, error)) handler { return respond(http.StatusOK, f) }

// create is reply for a thing that is new.
func create[T any](f func(*request) (T, error)) handler { return respond(http.StatusCreated, f) }

func respond[T any](status int, f func(*request) (T, error)) handler {
	return func(w *answer, r *request) error {
		value, err := f(r)
		if err == nil {
			err = r.settle()
		}
		switch {
		case err != nil:
			return err
		case r.Method == http.MethodGet:
			return writeTagged(w, r.Request, value)
		}
		return writeJSON(w, status, value)
	}
}

// done answers without a word.
func done(f func(*request) error) handler {
	return func(w *answer, r *request) error {
		err := f(r)
		if err == nil {
			err = r.settle()
		}
		if err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
