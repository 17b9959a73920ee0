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

// admins may: root, and the user of the daemon itself.
func admins(who *Caller) error {
	if err := users(who); err != nil {
		return err
	}
	if !who.Admin {
		return fmt.Errorf("%s is no admin; root is, and the user that the dispatcher runs as: %w", who.Name, octaskly.ErrDenied)
	}
	return nil
}
