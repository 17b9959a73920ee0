package api

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// access is the rule of who may use a route. Whose tasks a user may see and
// change is decided by the dispatcher and, for lists, by request.owner.
type access func(*Caller) error

// anyone may, whom the socket lets in.
func anyone(*Caller) error { return nil }

// users may: whoever calls is known.
func users(who *Caller) error {
	if who.Name == "" {
		return fmt.Errorf("cannot tell who is calling: %w", octaskly.ErrDenied)
	}
	return nil
}
