package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// The voice. stdout is data, stderr is talk, and all talk of octasklyctl's own
// goes through this file: lowercase, no full stop at the end, first what could
// not be done and why ("octasklyctl: error: …"), then what to type next
// ("octasklyctl: hint: …"). With -o json an error is one JSON object.

// usageError is a command line that makes no sense, or bad input in it.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// valueError is a flag without its value.
type valueError struct{ flag string }

func (e *valueError) Error() string { return fmt.Sprintf("flag %s needs a value", dashed(e.flag)) }

func isUsage(err error) bool {
	var usage *usageError
	var value *valueError
	var field *octaskly.FieldError
	return errors.As(err, &usage) || errors.As(err, &value) || errors.As(err, &field)
}

// hintedError adds what to type next.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

func withHint(err error, format string, args ...any) error {
	return &hintedError{err, fmt.Sprintf(format, args...)}
}

// hintFor returns the hint that err carries, or one for its kind, or "".
func hintFor(err error) string {
	var hinted *hintedError
	switch {
	case errors.As(err, &hinted):
		return hinted.hint
	case serverHint(err) != "":
		return serverHint(err)
	case errors.Is(err, octaskly.ErrNotFound):
		return "octasklyctl ls -a lists the jobs there are"
	case errors.Is(err, octaskly.ErrGone):
		return "octasklyctl ls -a lists the jobs that are kept; [retention] in dispatcher.toml says for how long"
	case errors.Is(err, octaskly.ErrDenied) && strings.Contains(err.Error(), "[access]"):
		return "have its operator add you under [access] in dispatcher.toml"
	case errors.Is(err, octaskly.ErrDenied):
		return "the owner of the job, or an admin, may do this"
	}
	return ""
}

// note says something that is neither data nor an error. A failure to write to
// stderr has nobody to be told to.
func (s *session) note(format string, args ...any) {
	if s.output == outputTable {
		fmt.Fprintln(s.stderr, "octasklyctl: "+defuse(fmt.Sprintf(format, args...)))
	}
}

// held says once that calls are held back.
func (s *session) held(err error) {
	s.patient.Do(func() { s.note("waiting, up to half a minute: %v", err) })
}

type errorDocument struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Exit    int    `json:"exit_code"`
}

// fail reports an error, if it is one with words.
func (s *session) fail(err error) {
	var status *exitStatus
	if err == nil || errors.As(err, &status) && status.err == nil {
		return
	}
	if s.output == outputJSON {
		s.talkJSON(errorDocument{describe(err)})
		return
	}
	fmt.Fprintln(s.stderr, "octasklyctl: error: "+defuse(err.Error()))
	if hint := hintFor(err); hint != "" {
		fmt.Fprintln(s.stderr, "octasklyctl: hint: "+defuse(hint))
	}
}

func describe(err error) errorBody {
	body := errorBody{Kind: kindOf(err), Message: err.Error(), Hint: hintFor(err), Exit: exitCode(err)}
	var field *octaskly.FieldError
	if errors.As(err, &field) {
		body.Field = field.Field
	}
	return body
}

// kindOf names an error for programs.
func kindOf(err error) string {
	switch {
	case exitCode(err) == exitWaited:
		return "timeout"
	case isUsage(err):
		return "usage"
	case errors.Is(err, octaskly.ErrNotFound):
		return "not-found"
	case errors.Is(err, octaskly.ErrDenied), errors.Is(err, fs.ErrPermission):
		return "denied"
	case errors.Is(err, octaskly.ErrUnknown):
		return "unauthorized"
	case distrusted(err):
		return "untrusted"
	case unreachable(err), errors.Is(err, client.ErrCut):
		return "unreachable"
	case errors.Is(err, octaskly.ErrOver):
		return "over"
	case errors.Is(err, octaskly.ErrGone):
		return "gone"
	case errors.Is(err, octaskly.ErrFull):
		return "full"
	case errors.Is(err, octaskly.ErrConflict):
		return "conflict"
	}
	return "error"
}
