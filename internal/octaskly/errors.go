package octaskly

import "errors"

// Errors that mean the same on both sides of a socket.
var (
	ErrNotFound    = errors.New("not found")
	ErrOver        = errors.New("already over")
	ErrUnknown     = errors.New("not known") // who that is
	ErrDenied      = errors.New("not permitted")
	ErrConflict    = errors.New("conflict")
	ErrFull        = errors.New("limit reached")
	ErrUnavailable = errors.New("unavailable")
	ErrGone        = errors.New("gone") // what was there is no longer kept, or lost
)
