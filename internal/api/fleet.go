package api

import "github.com/octaskly/octaskly/internal/auth"

func (h *Handler) workers(r *request) (*Workers, error) {
	workers, err := h.dispatcher.Workers(r.Context(), r.who)
	return &Workers{listed(workers)}, err
}

func (h *Handler) worker(r *request) (*Worker, error) {
	return h.dispatcher.Worker(r.Context(), r.who, r.PathValue("worker"))
}

func (h *Handler) drain(r *request) (*Worker, error) {
	var how DrainRequest
	r.decode(&how)
	r.blame("reason", checkText(how.Reason, maxReason))
	if r.bad != nil {
		return nil, r.bad
	}
	return h.dispatcher.Drain(r.Context(), r.who, r.PathValue("worker"), how)
}

func (h *Handler) resume(r *request) (*Worker, error) {
	return h.dispatcher.Resume(r.Context(), r.who, r.PathValue("worker"))
}

func (h *Handler) removeWorker(r *request) (*Worker, error) {
	return h.dispatcher.RemoveWorker(r.Context(), r.who, r.PathValue("worker"))
}

func (h *Handler) stats(r *request) (*Stats, error) {
	owner := r.owner()
	if r.bad != nil {
		return nil, r.bad
	}
	stats, err := h.dispatcher.Stats(r.Context(), r.who, owner)
	if err == nil && !auth.Of(r.who.Role).Allows(auth.ReadWorkers) {
		stats.FleetStats = nil
	}
	return stats, err
}

func (h *Handler) version(*request) (*Version, error) { return &h.ofDaemon, nil }

func (h *Handler) health(*request) (*Health, error) { return &Health{"ok"}, nil }
