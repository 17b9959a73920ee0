package joining

import (
	"errors"
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Errors of joining.
var (
	// ErrImpostor says that whoever answers has not shown what a dispatcher of the
	// fleet would: go on to the next address.
	ErrImpostor = errors.New("whoever answers there is not the dispatcher")

	// ErrForeign says that the other side does not speak this protocol.
	ErrForeign = errors.New("it does not speak the protocol of joining")

	// ErrWrongCode says that the worker shows another code than was typed.
	ErrWrongCode = errors.New("the worker shows another code than that")

	// ErrSpent says that whoever answered the worker claimed that its code had been
	// typed there, and it had not.
	ErrSpent = errors.New("the code shown here is used up: another one was typed or made up, or the answer was lost")
)

// Refusal is why a dispatcher does not let a worker join, in its own words. Whoever
// answers may be a stranger: his words are bounded and printable, no more.
type Refusal struct {
	Why string
	// Again: asking again in a while may help. Else something has to change first.
	Again bool
}

func (r *Refusal) Error() string { return "the dispatcher refuses: " + r.Why }

// Rejection is why an application came to nothing, at the dispatcher's.
type Rejection struct {
	*Application
	Err error
}

func (r *Rejection) Error() string {
	return fmt.Sprintf("cannot let %q (%s) join by %v: %v", r.Name, r.ID, r.Way, r.Err)
}

func (r *Rejection) Unwrap() error { return r.Err }

var (
	forWorkers = []error{octaskly.ErrDenied, octaskly.ErrConflict, octaskly.ErrGone, octaskly.ErrNotFound}
	forLater   = []error{octaskly.ErrFull, octaskly.ErrUnavailable}
)

// publish is what a stranger hears of err.
func publish(err error) *refused {
	var field *octaskly.FieldError
	switch {
	case isOne(err, forLater):
		return &refused{Why: line(err.Error()), Again: true}
	case errors.As(err, &field), isOne(err, forWorkers):
		return &refused{Why: line(err.Error())}
	}
	return &refused{Why: "it could not do it; its log says why", Again: true}
}

func isOne(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
