package api

import (
	"cmp"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// faults keeps the first thing that is wrong with some input.
type faults struct{ bad error }

// blame makes err, if there is one, the fault of a field.
func (f *faults) blame(field string, err error) {
	if err != nil {
		f.refuse(&octaskly.FieldError{Field: field, Why: err.Error()})
	}
}

func (f *faults) refuse(err error) { f.bad = cmp.Or(f.bad, err) }
