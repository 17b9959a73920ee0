package api

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Host is the only one that the API answers to.
const Host = "octaskly"

// Handler is the API of one dispatcher, or of one worker.
type Handler struct {
	dispatcher  Dispatcher // nil in a worker
	ofDaemon    Version
	log         *slog.Logger
	mux         *http.ServeMux
	names       *userNames
	bodyTimeout time.Duration
}

// New makes a handler for requests that come in through [Serve]. The version is
// that of the program.
func New(d Dispatcher, version string, log *slog.Logger) *Handler {
	h := bare(version, log)
	h.dispatcher = d
	h.mount(h.routes())
	return h
}

// bare is a handler without routes.
func bare(version string, log *slog.Logger) *Handler {
	return &Handler{
		ofDaemon:    Version{version},
		log:         log,
		mux:         http.NewServeMux(),
		names:       newUserNames(),
		bodyTimeout: BodyTimeout,
	}
}

func (h *Handler) mount(routes []route) {
	methods := map[string]resource{}
	for _, r := range routes {
		methods[r.path] = append(methods[r.path], r)
	}
	methods["/"] = nil // whatever is no path of ours
	for path, resource := range methods {
		h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(resource, w.(*answer), r) })
	}
}

// ServeHTTP keeps browsers out and finds the resource.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w)
	if r.ContentLength != 0 {
		a.SetReadDeadline(time.Now().Add(h.bodyTimeout)) // also for a body that is not read here: net/http drains it
	}
	switch err := cmp.Or(foreign(r), crowded(a, r)); {
	case err != nil:
		h.fail(a, r, err)
	case path.Clean("/"+r.URL.Path) != r.URL.Path: // the mux would redirect
		h.serve(nil, a, r)
	default:
		h.mux.ServeHTTP(a, r)
	}
}

// foreign returns an error for requests of browsers. The Host is theirs where a
// name was rebound to this machine, and a page cannot leave these headers out.
func foreign(r *http.Request) error {
	if r.Host != Host {
		return fmt.Errorf("cannot serve host %q, only %s, as in http://%s/api/v1/tasks: %w", r.Host, Host, Host, octaskly.ErrDenied)
	}
	for _, name := range []string{"Origin", "Referer", "Sec-Fetch-Site"} {
		if _, sent := r.Header[name]; sent {
			return fmt.Errorf("cannot serve a browser (header %s): %w", name, octaskly.ErrDenied)
		}
	}
	return nil
}

// crowded returns an error for who has too many connections, and closes this one.
func crowded(w http.ResponseWriter, r *http.Request) error {
	if !connectionOf(r.Context()).over {
		return nil
	}
	w.Header().Set("Connection", "close")
	return fmt.Errorf("cannot serve another connection: %d of yours are busy; end some of them, or try again: %w", usual.share, octaskly.ErrFull)
}

// serve answers one request.
func (h *Handler) serve(s resource, w *answer, r *http.Request) {
	if err := h.handle(s, w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) handle(s resource, w *answer, r *http.Request) error {
	route, err := s.route(r.Method)
	if errors.Is(err, errMethod) {
		w.Header().Set("Allow", s.methods())
	}
	if err != nil {
		return fmt.Errorf("cannot %.16s %.128q: %w", r.Method, r.URL.Path, err)
	}
	who := h.caller(r.Context())
	if err := route.access(&who); err != nil {
		return err
	}
	params, err := parseParams(r.URL.RawQuery, route.params)
	if err != nil {
		return err
	}
	return route.handle(w, &request{Request: r, who: who, params: params, body: &body{answer: w}})
}

// resource is all routes of one path; nil where there are none.
type resource []route

func (s resource) route(method string) (route, error) {
	at := slices.IndexFunc(s, func(r route) bool { return r.method == method })
	switch {
	case s == nil:
		return route{}, errNoRoute
	case at < 0:
		return route{}, errMethod
	}
	return s[at], nil
}

func (s resource) methods() string {
	var all []string
	for _, r := range s {
		all = append(all, r.method)
	}
	return strings.Join(all, ", ")
}
