package accounts

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/auth"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// allow refuses who may not do that. The routes of the API ask the same before.
func allow(who api.Caller, p auth.Permission, what string) error {
	if auth.Of(who.Role).Allows(p) {
		return nil
	}
	return fmt.Errorf("cannot %s: a %s may not: %w", what, orNobody(who.Role), octaskly.ErrDenied)
}

func orNobody(role octaskly.Role) octaskly.Role {
	if role == "" {
		return "caller without a role"
	}
	return role
}

func badField(field, format string, args ...any) error {
	return &octaskly.FieldError{Field: field, Why: fmt.Sprintf(format, args...)}
}
