// Package auth is policy without cryptography: what a role permits, how an access
// token is made and checked, how often somebody may try.
package auth
