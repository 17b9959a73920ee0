package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/auth"
)

// Self is what the API needs of a worker: its socket answers for itself only.
type Self interface {
	// Worker tells of the worker, with its Checks. What follows from Features is
	// added to it.
	Worker(context.Context, Caller) (*Worker, error)
	// Dispatcher says where the dispatcher is and what to do about it, for people.
	Dispatcher() string
}

// errElsewhere says that a worker was asked what only its dispatcher knows.
var errElsewhere = errors.New("only a worker answers here")

// Gate knows who calls at a worker's door over HTTPS: not by itself, but by asking
// its dispatcher each time.
type Gate interface {
	// Identify knows whose access token that is, or says ErrUnknown, or
	// ErrUnavailable where the dispatcher cannot be asked.
	Identify(ctx context.Context, token string, visit Visit) (*Identity, error)
}

// Visit is what a Gate tells of a request, for the audit log of its dispatcher.
type Visit struct {
	From       string
	Action     string
	Permission auth.Permission // that it takes
}

// NewWorker makes a handler of what a worker answers for itself. All else that a
// dispatcher would answer is refused with where that is. Without a gate it takes no
// tokens.
func NewWorker(self Self, gate Gate, config Config) *Handler {
	h := bare(config)
	h.gate = gate
	a := alone{self}
	own := []route{
		{"GET", "/health", open, "health.read", "", reply(h.health)},
		{"GET", "/metrics", needs(auth.ReadMetrics), "metrics.read", "", h.metrics},
		{"GET", "/api/v1/version", known, "version.read", "", reply(h.version)},
		{"GET", "/api/v1/workers", needs(auth.ReadWorkers), "worker.read", "", reply(a.workers)},
		{"GET", "/api/v1/workers/{worker}", needs(auth.ReadWorkers), "worker.read", "", reply(a.worker)},
	}
	here := map[[2]string]bool{}
	for _, r := range own {
		here[[2]string{r.method, r.path}] = true
	}
	for _, r := range h.routes() {
		if !here[[2]string{r.method, r.path}] {
			r.access = needs(auth.ReadWorkers) // who may ask is for the dispatcher to say
			r.handle = func(*answer, *request) error { return a.elsewhere() }
			own = append(own, r)
		}
	}
	h.mount(own)
	return h
}

// alone answers for one worker.
type alone struct{ Self }

func (a alone) look(r *request) (*Worker, error) {
	worker, err := a.Worker(r.Context(), r.who)
	if err != nil {
		return nil, err
	}
	w := *worker
	w.Offer(listed(w.Features))
	return &w, nil
}

func (a alone) workers(r *request) (*Workers, error) {
	w, err := a.look(r)
	if err != nil {
		return nil, err
	}
	w.Checks = nil
	return &Workers{[]Worker{*w}}, nil
}

func (a alone) worker(r *request) (*Worker, error) {
	w, err := a.look(r)
	if name := r.PathValue("worker"); err == nil && name != w.ID && name != w.Name {
		return nil, a.elsewhere()
	}
	return w, err
}

func (a alone) elsewhere() error {
	return fmt.Errorf("cannot answer: %w; %s", errElsewhere, a.Dispatcher())
}
