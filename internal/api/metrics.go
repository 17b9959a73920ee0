package api

import (
	"context"
	"fmt"

	"github.com/octaskly/octaskly/internal/metrics"
)

// Meter writes what some part of the daemon counts.
type Meter func(context.Context, *metrics.Page) error

// metrics is GET /metrics.
func (h *Handler) metrics(w *answer, r *request) error {
	page := &metrics.Page{}
	for _, meter := range h.meters {
		if err := meter(r.Context(), page); err != nil {
			return err
		}
	}
	h.traffic.write(page)
	w.Header().Set("Content-Type", metrics.ContentType)
	_, err := w.Write(page.Bytes())
	return err
}

// traffic counts the requests that a handler has answered.
type traffic struct {
	answers  [len(doorNames)][len(classNames)]metrics.Counter
	refusals [maxKinds]metrics.Counter // by their places in kinds
}

var (
	doorNames  = [...]string{unixDoor: "unix", tlsDoor: "https", plainDoor: "http"}
	classNames = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	kinds      = kindsOf()
)

const maxKinds = 32

// kindsOf lists the kinds of errors that there are.
func kindsOf() []string {
	list := []string{badInput, internal}
	for _, m := range meanings {
		list = append(list, m.kind)
	}
	if len(list) > maxKinds {
		panic(fmt.Sprintf("%d kinds of errors, counted are %d", len(list), maxKinds))
	}
	return list
}

// note counts an answer when it is over. One that was cut before it began counts as
// one of ours that failed.
func (t *traffic) note(d door, a *answer) {
	status := a.status
	switch {
	case status == 0 && a.begun:
		status = 200
	case status < 100 || status > 599:
		status = 500
	}
	t.answers[d][status/100-1].Inc()
}

// refused counts an error by its kind.
func (t *traffic) refused(kind string) {
	for i, k := range kinds {
		if k == kind {
			t.refusals[i].Inc()
		}
	}
}

func (t *traffic) write(p *metrics.Page) {
	var answers, refusals []metrics.Sample
	for d, name := range doorNames {
		for class := range classNames {
			answers = append(answers, metrics.Of(t.answers[d][class].Value(), "door", name, "code", classNames[class]))
		}
	}
	for i, kind := range kinds {
		refusals = append(refusals, metrics.Of(t.refusals[i].Value(), "kind", kind))
	}
	p.Counter("octaskly_http_requests_total", "Requests that were answered, by the door they came in by and the class of the answer's status.", answers...)
	p.Counter("octaskly_http_refusals_total", "Requests that were answered by an error, by its kind.", refusals...)
}
