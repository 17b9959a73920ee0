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

	"github.com/octaskly/octaskly/internal/auth"
)

// Host is the only one that the API answers to.
const Host = "octaskly"

// Config is what a handler is made with.
type Config struct {
	Version string     // of the program
	Access  AccessList // for callers through a Unix socket
	Origins []string   // of pages that may use the API over HTTPS, as in the header Origin
	Rate    float64    // requests a second of each token, and of each address, over HTTPS; 0: no bound
	Burst   int        // of them that may come at once
	Roster  Roster     // of who may join; nil: nobody gets a certificate
	Metrics []Meter    // of what the daemon has, for GET /metrics
	Log     *slog.Logger
}

// Handler is the API of one dispatcher, or of one worker.
type Handler struct {
	dispatcher  Dispatcher // nil in a worker
	accounts    Accounts   // nil: no audit log, and no tokens but by the gate
	gate        Gate       // a worker's; nil: no tokens
	roster      Roster     // nil: there is none
	origins     []string
	tokens      *auth.Meter // requests of each
	addresses   *auth.Meter // requests of strangers
	known       *auth.Known // tokens that were good lately
	streams     *auth.Share // of each user at an address
	ofDaemon    Version
	log         *slog.Logger
	mux         *http.ServeMux
	names       *userNames
	bodyTimeout time.Duration
	meters      []Meter
	traffic     traffic
	complaints  *auth.Meter // lines in the log, of each address
}

// New makes a handler for requests that come in through [Serve], [ServeTLS] and
// [ServePlain]. Without accounts it knows users of the machine only, and writes no
// audit log.
func New(d Dispatcher, a Accounts, config Config) *Handler {
	h := bare(config)
	h.dispatcher, h.accounts, h.roster = d, a, config.Roster
	h.mount(h.routes())
	return h
}

// bare is a handler without routes.
func bare(config Config) *Handler {
	return &Handler{
		origins:     config.Origins,
		tokens:      auth.NewMeter(config.Rate, config.Burst),
		addresses:   auth.NewMeter(config.Rate, config.Burst),
		known:       auth.NewKnown(knownFor),
		streams:     auth.NewShare(maxFollowed),
		ofDaemon:    Version{config.Version},
		log:         cmp.Or(config.Log, slog.New(slog.DiscardHandler)),
		mux:         http.NewServeMux(),
		names:       newUserNames(config.Access),
		bodyTimeout: BodyTimeout,
		meters:      config.Metrics,
		complaints:  auth.NewMeter(complaintRate, complaintBurst),
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

// ServeHTTP finds the resource.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := newAnswer(w)
	defer h.traffic.note(connectionOf(r.Context()).door, a)
	if r.ContentLength != 0 {
		a.SetReadDeadline(time.Now().Add(h.bodyTimeout)) // also for a body that is not read here: net/http drains it
	}
	if len(r.TransferEncoding) > 0 {
		// There may have been a Content-Length, too, which somebody in between has
		// believed: what follows the body is no request. RFC 9112 section 6.1.
		a.Header().Set("Connection", "close")
	}
	h.secure(a, r)
	odd := r.ProtoMajor > 1 && !strings.HasPrefix(r.RequestURI, "/") // RFC 9113 section 8.3.1; others may read it otherwise
	if odd || path.Clean("/"+r.URL.Path) != r.URL.Path {             // the mux would redirect
		h.serve(nil, a, r)
		return
	}
	h.mux.ServeHTTP(a, r)
}

// crowded returns an error for who has too many connections, and closes this one.
func crowded(w http.ResponseWriter, c connection) error {
	if c.over == 0 {
		return nil
	}
	w.Header().Set("Connection", "close")
	whose := "of yours"
	if c.door != unixDoor {
		whose = "from your address" // perhaps of somebody else there
	}
	return &TooSoon{Why: fmt.Sprintf("cannot serve another connection: %d %s are busy; end some of them, or try again", c.over, whose), After: time.Second}
}

// unwantedTime is how long a body may go on to arrive that belongs to a request that
// was refused: net/http reads it before it sends the answer.
const unwantedTime = 5 * time.Second

// serve answers one request.
func (h *Handler) serve(s resource, w *answer, r *http.Request) {
	q := &request{Request: r, api: h, who: stranger(connectionOf(r.Context())), body: &body{answer: w}}
	if err := h.handle(s, w, q); err != nil {
		if r.ContentLength != 0 {
			w.SetReadDeadline(time.Now().Add(min(unwantedTime, h.bodyTimeout)))
		}
		h.fail(w, r, q.refused(err))
	}
}

func (h *Handler) handle(s resource, w *answer, r *request) error {
	var missing error
	r.route, missing = s.route(r.Method)
	if err := h.enter(w, r); err != nil {
		return err
	}
	if h.preflight(r.Request) && s != nil {
		answerPreflight(s, w)
		return nil
	}
	if errors.Is(missing, errMethod) {
		w.Header().Set("Allow", s.methods())
	}
	if missing != nil {
		return fmt.Errorf("cannot %.16s %.128q: %w", r.Method, r.URL.Path, missing)
	}
	if err := h.identify(r); err != nil {
		return err
	}
	var err error
	if r.params, err = parseParams(r.URL.RawQuery, r.route.params); err == nil {
		err = r.checkHeaders()
	}
	if err != nil {
		return err
	}
	r.begun = true
	return r.route.handle(w, r)
}

// enter keeps out who may not even ask.
func (h *Handler) enter(w *answer, r *request) error {
	c := connectionOf(r.Context())
	return cmp.Or(h.foreign(r.Request), crowded(w, c), h.admit(c, r.Header))
}

// identify finds out who asks, and whether he may.
func (h *Handler) identify(r *request) error {
	var err error
	if c := connectionOf(r.Context()); !r.route.open || c.door == unixDoor {
		r.who, err = h.caller(r)
	}
	if err == nil {
		err = cmp.Or(h.admitToken(&r.who), r.route.check(&r.who, r.route.action))
	}
	if err == nil && h.accounts != nil && r.route.changes() && r.route.action != putBlob {
		r.who.Act = r.prepare()
	}
	return err
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
