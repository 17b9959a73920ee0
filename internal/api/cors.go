package api

import (
	"net/http"
)

// Headers that a page may send, and read.
const (
	corsRequest = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range"
	corsAnswer  = "Content-Range, ETag, Retry-After, WWW-Authenticate"
	corsAge     = "600" // seconds
)

// secure sets what every answer has.
func (h *Handler) secure(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if connectionOf(r.Context()).door == unixDoor || len(h.origins) == 0 {
		return
	}
	header.Add("Vary", "Origin")
	if h.welcome(r) {
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Expose-Headers", corsAnswer)
	}
}

// preflight reports whether a browser only asks what it may do. No request of a
// page carries credentials that the page itself does not have.
func (h *Handler) preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" &&
		connectionOf(r.Context()).door != unixDoor && h.welcome(r)
}

func answerPreflight(s resource, w http.ResponseWriter) {
	header := w.Header()
	header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	header.Set("Access-Control-Allow-Methods", s.methods())
	header.Set("Access-Control-Allow-Headers", corsRequest)
	header.Set("Access-Control-Max-Age", corsAge)
	w.WriteHeader(http.StatusNoContent)
}
