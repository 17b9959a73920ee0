package api

import "net/http"

// route is one line of the API.
type route struct {
	method string
	path   string
	access access
	params string // of the query; others are refused
	handle handler
}

// handler answers a request. It writes nothing before the last error that it
// can return, or the connection is cut.
type handler func(*answer, *request) error

// routes is the API. An {id} is that of a job or element where the handler
// reads one, and a selector (see ParseSelection) where it changes tasks. A
// {worker} is a worker's id or name.
func (h *Handler) routes() []route {
	return []route{
		{"GET", "/health", anyone, "", reply(h.health)},
		{"GET", "/api/v1/version", anyone, "", reply(h.version)},

		{"POST", "/api/v1/tasks", users, "", create(h.submit)},
		{"GET", "/api/v1/tasks", users, "select state owner limit before all all_users", reply(h.jobs)},
		{"GET", "/api/v1/tasks/{id}", users, "", reply(h.show)},
		{"DELETE", "/api/v1/tasks/{id}", users, "reason all_users", reply(h.cancel)},
		{"POST", "/api/v1/tasks/{id}/signal", users, "all_users", reply(h.signal)},
		{"POST", "/api/v1/tasks/{id}/retry", users, "all_users", reply(h.retry)},
		{"GET", "/api/v1/tasks/{id}/elements", users, "state from limit", reply(h.elements)},
		{"GET", "/api/v1/tasks/{id}/watch", users, "", h.watch},
		{"GET", "/api/v1/tasks/{id}/output", users, "attempt follow from", h.output},

		{"PUT", "/api/v1/blobs/{hash}", users, "", h.putBlob},
		{"HEAD", "/api/v1/blobs/{hash}", users, "", h.hasBlob},

		{"GET", "/api/v1/workers", users, "", reply(h.workers)},
		{"GET", "/api/v1/workers/{worker}", users, "", reply(h.worker)},
		{"DELETE", "/api/v1/workers/{worker}", admins, "", reply(h.removeWorker)},
		{"POST", "/api/v1/workers/{worker}/drain", admins, "", reply(h.drain)},
		{"POST", "/api/v1/workers/{worker}/resume", admins, "", reply(h.resume)},
		{"GET", "/api/v1/stats", users, "", reply(h.stats)},
	}
}

// reply answers with what f returns.
func reply[T any](f func(*request) (T, error)) handler { return respond(http.StatusOK, f) }

// create is reply for a thing that is new.
func create[T any](f func(*request) (T, error)) handler { return respond(http.StatusCreated, f) }

func respond[T any](status int, f func(*request) (T, error)) handler {
	return func(w *answer, r *request) error {
		value, err := f(r)
		if err != nil {
			return err
		}
		return writeJSON(w, status, value)
	}
}
