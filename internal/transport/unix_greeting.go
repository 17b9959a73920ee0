package transport

import (
	"errors"
	"fmt"
)

var (
	// ErrNotAllowed says that the executor has been told to obey other users.
	ErrNotAllowed = errors.New("the executor obeys only root and its worker_user")
	// ErrBusy says that the executor has a session with somebody else.
	ErrBusy = errors.New("another worker is connected to the executor")
	// ErrNotExecutor says that somebody answered who is no octaskly executor.
	ErrNotExecutor = errors.New("no octaskly executor answers there")
	// ErrExecutorVersion says that the two programs are too far apart in age.
	ErrExecutorVersion = errors.New("the executor speaks another version of the protocol; restart worker and executor")
)

// verdict is what an executor thinks of somebody who dials.
type verdict byte

const (
	welcome    verdict = 1
	notAllowed verdict = 2
	busy       verdict = 3
)

const (
	unixVersion  = 1
	greetingSize = len(magic) + 1 + 1
)

// greeting is the first that an executor says.
func (v verdict) greeting() []byte {
	return append([]byte(magic), unixVersion, byte(v))
}

// parseGreeting returns nil for a welcome.
func parseGreeting(b []byte) error {
	switch {
	case len(b) < greetingSize || string(b[:len(magic)]) != magic:
		return ErrNotExecutor
	case b[len(magic)] != unixVersion:
		return ErrExecutorVersion
	}
	switch v := verdict(b[greetingSize-1]); v {
	case welcome:
		return nil
	case notAllowed:
		return ErrNotAllowed
	case busy:
		return ErrBusy
	default:
		return fmt.Errorf("%w: its verdict is %d", ErrNotExecutor, v)
	}
}
