package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Self is what the API needs of a worker: its socket answers for itself only.
type Self interface {
	Worker(context.Context, Caller) (*Worker, error)
	// Dispatcher says where the dispatcher is and what to do about it, for people.
	Dispatcher() string
}

// errElsewhere says that a worker was asked what only its dispatcher knows.
var errElsewhere = errors.New("only a worker serves this socket")

// NewWorker makes a handler of what a worker answers for itself. All else that a
// dispatcher would answer is refused with where that is.
func NewWorker(self Self, version string, log *slog.Logger) *Handler {
	h := bare(version, log)
	own := []route{
		{"GET", "/health", anyone, "", reply(h.health)},
		{"GET", "/api/v1/version", anyone, "", reply(h.version)},
		{"GET", "/api/v1/workers", users, "", reply(func(r *request) (*Workers, error) {
			worker, err := self.Worker(r.Context(), r.who)
			if err != nil {
				return nil, err
			}
			return &Workers{[]Worker{*worker}}, nil
		})},
	}
	elsewhere := func(_ *answer, r *request) error {
		return fmt.Errorf("cannot answer: %w; %s", errElsewhere, self.Dispatcher())
	}
	known := map[[2]string]bool{}
	for _, r := range own {
		known[[2]string{r.method, r.path}] = true
	}
	for _, r := range h.routes() {
		if !known[[2]string{r.method, r.path}] {
			r.handle = elsewhere
			own = append(own, r)
		}
	}
	h.mount(own)
	return h
}
