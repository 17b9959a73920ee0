package api

import (
	"errors"

	"github.com/octaskly/octaskly/internal/octaskly"
)

func (h *Handler) submit(r *request) (*Accepted, error) {
	var s Submission
	r.decode(&s)
	if r.useKey(&s); r.bad != nil {
		return nil, r.bad
	}
	order, err := s.Accept(r.who.Name)
	if err != nil {
		return nil, err
	}
	id, repeated, err := h.dispatcher.Submit(r.Context(), r.who, order)
	if err != nil {
		return nil, err
	}
	if r.act().Target = id.String(); repeated {
		r.act().Detail = "repeated"
	}
	return &Accepted{ID: id.String(), Tasks: order.Job.Elements.Count(), Repeated: repeated}, nil
}

// keyHeader stands for Submission.Key.
const keyHeader = "Idempotency-Key"

// useKey takes the key from the header.
func (r *request) useKey(s *Submission) {
	keys := r.Header[keyHeader]
	switch {
	case len(keys) == 0:
	case len(keys) > 1 || keys[0] == "":
		r.blame(keyHeader, errors.New("it is empty, or given twice"))
	case s.Key != "" && s.Key != keys[0]:
		r.blame(keyHeader, errors.New("it differs from idempotency_key in the body"))
	default:
		s.Key = keys[0]
	}
}

func (h *Handler) jobs(r *request) (*Jobs, error) {
	filter := r.filter()
	if r.bad != nil {
		return nil, r.bad
	}
	jobs, err := h.dispatcher.Jobs(r.Context(), r.who, filter)
	return &Jobs{listed(jobs)}, err
}

func (h *Handler) show(r *request) (*Detail, error) {
	id := r.task()
	if r.bad != nil {
		return nil, r.bad
	}
	return h.dispatcher.Show(r.Context(), r.who, id)
}

func (h *Handler) cancel(r *request) (Outcome, error) {
	what, reason := r.selection(), r.text("reason", maxReason)
	if r.bad != nil {
		return Outcome{}, r.bad
	}
	return h.dispatcher.Cancel(r.Context(), r.who, what, reason)
}

func (h *Handler) signal(r *request) (Outcome, error) {
	var body SignalRequest
	what := r.selection()
	r.decode(&body)
	if body.Signal == 0 {
		r.blame("signal", errors.New(`it is missing; want a name such as "TERM" or a number such as 15`))
	}
	if r.bad != nil {
		return Outcome{}, r.bad
	}
	return h.dispatcher.Signal(r.Context(), r.who, what, int(body.Signal))
}

func (h *Handler) retry(r *request) (Outcome, error) {
	what := r.selection()
	if r.bad != nil {
		return Outcome{}, r.bad
	}
	return h.dispatcher.Retry(r.Context(), r.who, what)
}

func (h *Handler) elements(r *request) (*Elements, error) {
	id, states := r.job(), r.states("state")
	from, limit := r.number("from", 0, octaskly.MaxIndex, 0), r.number("limit", 1, MaxLimit, DefaultLimit)
	if r.bad != nil {
		return nil, r.bad
	}
	elements, err := h.dispatcher.Elements(r.Context(), r.who, id, states, from, int(limit))
	return &Elements{listed(elements)}, err
}

// listed makes an empty list [] and not null in JSON.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
