package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Errors of the API's own.
var (
	errNoRoute  = errors.New("no such path")
	errMethod   = errors.New("method not allowed")
	errTooLarge = errors.New("too large")
	errTooSlow  = errors.New("too slow")
	errEncoding = errors.New("unsupported encoding")
	errRange    = errors.New("no such range")
)

const (
	badInput = "bad-input"
	internal = "internal"
)

// meanings says what an error is called in an answer. Whatever is not here is
// an internal error.
var meanings = []struct {
	err    error
	status int
	kind   string
}{
	{octaskly.ErrNotFound, http.StatusNotFound, "not-found"},
	{octaskly.ErrOver, http.StatusConflict, "over"},
	{octaskly.ErrConflict, http.StatusConflict, "conflict"},
	{octaskly.ErrUnknown, http.StatusUnauthorized, "unauthorized"},
	{octaskly.ErrDenied, http.StatusForbidden, "denied"},
	{octaskly.ErrFull, http.StatusTooManyRequests, "full"},
	{octaskly.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{octaskly.ErrGone, http.StatusGone, "gone"},
	{errElsewhere, http.StatusMisdirectedRequest, "elsewhere"},
	{errNoRoute, http.StatusNotFound, "no-such-path"},
	{errMethod, http.StatusMethodNotAllowed, "method-not-allowed"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "too-large"},
	{errTooSlow, http.StatusRequestTimeout, "too-slow"},
	{errEncoding, http.StatusUnsupportedMediaType, "unsupported-encoding"},
	{errRange, http.StatusRequestedRangeNotSatisfiable, "no-such-range"},
}

// maxMessage bounds, in runes, messages that repeat a request's own words.
const maxMessage = 1000

// meaning is the status and the body for an error.
func meaning(err error) (status int, body Error) {
	message := fmt.Sprintf("%.*s", maxMessage, err)
	if field, ok := errors.AsType[*octaskly.FieldError](err); ok {
		return http.StatusBadRequest, Error{Kind: badInput, Message: message, Field: field.Field}
	}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			return m.status, Error{Kind: m.kind, Message: message, Lasting: lasting(err)}
		}
	}
	return http.StatusInternalServerError, Error{Kind: internal, Message: "internal error; the daemon's log has more on it"}
}

// wording leaves out of a message what only repeats its kind, which is for programs.
func wording(message string) string {
	for _, kind := range []error{octaskly.ErrUnknown, octaskly.ErrConflict} {
		message = strings.TrimSuffix(message, ": "+kind.Error())
	}
	return message
}

// lasting reports whether err is a limit that is reached, not one of a rate.
func lasting(err error) bool {
	_, soon := errors.AsType[*TooSoon](err)
	return errors.Is(err, octaskly.ErrFull) && !soon
}

// Error is what the other side said.
func (e *Error) Error() string { return e.Message }

// Is reports whether e was target on the other side.
func (e *Error) Is(target error) bool {
	for _, m := range meanings {
		if m.err == target {
			return m.kind == e.Kind
		}
	}
	return false
}

// As gives a *octaskly.FieldError back.
func (e *Error) As(target any) bool {
	field, ok := target.(**octaskly.FieldError)
	if !ok || e.Kind != badInput || e.Field == "" {
		return false
	}
	*field = &octaskly.FieldError{Field: e.Field, Why: strings.TrimPrefix(e.Message, e.Field+": ")}
	return true
}

// KindOf is what an error is called in an answer and in the audit log.
func KindOf(err error) string {
	_, body := meaning(err)
	return body.Kind
}
