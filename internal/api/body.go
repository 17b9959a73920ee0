package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// maxJSON bounds a body of JSON. A spec of the largest size fits even if each
// of its bytes is written as an escape: 4 MiB.
const maxJSON = 4 << 20

// body is a request's body under a deadline.
type body struct {
	io.Reader
	answer *answer
	err    error // why it could not be read to its end
}

// open makes the body readable up to a size.
func (r *request) open(size int64) *body {
	r.body.Reader = http.MaxBytesReader(r.body.answer.ResponseWriter, r.Body, size)
	return r.body
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	switch large, isLarge := errors.AsType[*http.MaxBytesError](err); {
	case err == nil:
	case err == io.EOF:
		b.answer.SetReadDeadline(time.Time{}) // else the request would end at that time
	case isLarge:
		b.err = fmt.Errorf("cannot read the body: it has more than %d bytes: %w", large.Limit, errTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.err = fmt.Errorf("cannot read the body: it did not arrive in time: %w", errTooSlow)
	default:
		b.err = &octaskly.FieldError{Field: bodyField, Why: "it ends before its end"}
	}
	return n, cmp.Or(b.err, err)
}

// bodyField is the field of errors that are not in one field of the body.
const bodyField = "body"

// decode reads the body, which is one JSON value, into v.
func (r *request) decode(v any) {
	data, err := io.ReadAll(r.open(maxJSON))
	if err != nil {
		r.refuse(err)
		return
	}
	r.refuse(decodeJSON(data, v))
}

// decodeJSON returns a *octaskly.FieldError for everything that is not one value
// of v's form.
func decodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) { // encoding/json would change it
		return &octaskly.FieldError{Field: bodyField, Why: `it is not valid UTF-8; write bytes that are not text as {"base64": "…"}`}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return &octaskly.FieldError{Field: bodyField, Why: "it goes on after its JSON value"}
	}
	if key, is := twice(data); is {
		return &octaskly.FieldError{Field: fieldName(key), Why: "it is given twice"}
	}
	return nil
}

func jsonError(err error) error {
	bad := &octaskly.FieldError{Field: bodyField}
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	// encoding/json has no type for this error.
	name, isUnknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case isWrong:
		bad.Field = cmp.Or(wrong.Field, bodyField)
		bad.Why = fmt.Sprintf("want %s, not %s", wanted(wrong.Type), shorten(wrong.Value))
		if strings.HasPrefix(bad.Field, "secret_env") {
			bad.Why = "want " + wanted(wrong.Type)
		}
	case isSyntax:
		bad.Why = fmt.Sprintf("it is not JSON at byte %d: %v", syntax.Offset, syntax)
	case isUnknown:
		name, _ = strconv.Unquote(name)
		bad.Field, bad.Why = fieldName(name), "no such field"
	case err == io.EOF:
		bad.Why = "it is empty, not JSON"
	default: // io.ErrUnexpectedEOF
		bad.Why = "it ends inside its JSON value"
	}
	return bad
}

// badValue is the error of an UnmarshalJSON; encoding/json adds the field.
func badValue(data []byte, v any) error {
	return &json.UnmarshalTypeError{Value: string(data), Type: reflect.TypeOf(v).Elem()}
}

// wanted says in words what JSON the type takes.
func wanted(t reflect.Type) string {
	switch reflect.Zero(t).Interface().(type) {
	case Text:
		return `a string or {"base64": "…"}`
	case Seconds:
		return "a number of seconds from 0 to ten years"
	case Signal:
		return "a signal such as \"TERM\" or 15"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "an object"
}
