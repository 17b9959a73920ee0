// Package client is the typed client of the API (package api), on a Unix socket or
// by HTTPS: one method for each of its routes.
//
// Its errors keep their meaning from the other side of the socket: errors.Is
// finds the sentinels of package octaskly in them and errors.As its FieldError.
// Besides, there is [*Unreachable], when nobody listens, [*Unauthorized], when a
// server does not know who calls, and [ErrCut], when an answer broke off.
package client
