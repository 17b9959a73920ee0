package api

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// access is the rule of who may use a route. Whose tasks a user may see and
// change is decided by the dispatcher and, for lists, by request.owner.
type access struct {
	permission auth.Permission // that the caller's role must have
	open       bool            // to everybody, known or not
}

var (
	open  = access{open: true}
	known = access{} // whoever it is
)

func needs(p auth.Permission) access { return access{permission: p} }

// check returns an error for who may not do what is called action.
func (a access) check(who *Caller, action string) error {
	switch {
	case a.open:
		return nil
	case who.Name == "":
		return fmt.Errorf("cannot tell who is calling: %w", octaskly.ErrDenied)
	case who.Role == "":
		return fmt.Errorf("%s is in none of the lists under [access] in the dispatcher's configuration: %w", who.Name, octaskly.ErrDenied)
	case !auth.Of(who.Role).Allows(a.permission):
		return fmt.Errorf("%s has the role %s, which does not permit %s; ask an admin: %w", who.Name, who.Role, action, octaskly.ErrDenied)
	}
	return nil
}
