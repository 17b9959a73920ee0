package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// fail answers with an error, or cuts the connection where part of an answer
// is already on its way.
func (h *Handler) fail(w *answer, r *http.Request, err error) {
	status, body := meaning(err)
	switch {
	case status != http.StatusInternalServerError || w.broken:
	case r.Context().Err() != nil || errors.Is(err, context.Canceled):
		err = fmt.Errorf("the daemon is stopping: %w", octaskly.ErrUnavailable) // or the client has left
		status, body = meaning(err)
	default:
		h.log.Error("cannot serve a request", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	h.traffic.refused(body.Kind)
	switch soon, isSoon := errors.AsType[*TooSoon](err); {
	case isSoon:
		w.Header().Set("Retry-After", strconv.Itoa(int(soon.Wait()/time.Second)))
	case errors.Is(err, octaskly.ErrFull) || errors.Is(err, octaskly.ErrUnavailable):
		w.Header().Set("Retry-After", "1") // in seconds
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	body.Message = wording(body.Message)
	if err := writeJSON(w, status, Failure{body}); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// writeJSON writes a whole answer.
func writeJSON(w *answer, status int, value any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return encoder(w).Encode(value)
}

// encoder leaves <, > and & as they are: the answer is no part of a page.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// answer is an http.ResponseWriter that knows how far it is. The controller's
// deadlines have no effect, and return errors, where there is no connection.
type answer struct {
	http.ResponseWriter
	*http.ResponseController
	begun  bool
	status int
	broken bool // nobody reads any more
}

func newAnswer(w http.ResponseWriter) *answer {
	return &answer{ResponseWriter: w, ResponseController: http.NewResponseController(w)}
}

func (a *answer) WriteHeader(status int) {
	a.begun, a.status = true, status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	n, err := a.ResponseWriter.Write(p)
	a.broken = err != nil
	return n, err
}

// Flush sends what was written.
func (a *answer) Flush() error {
	a.begun = true
	return a.ResponseController.Flush()
}
