package security

import (
	"context"
	"errors"
)

// ErrBusy says that more wait for a password to be hashed than may.
var ErrBusy = errors.New("too many passwords are being checked: try again in a few seconds")

// gate lets a few in at a time, and a few more wait.
type gate struct {
	places  chan struct{} // whoever is inside or waits has one
	running chan struct{} // whoever is inside has one
}

func newGate(running, waiting int) *gate {
	return &gate{make(chan struct{}, running+waiting), make(chan struct{}, running)}
}

// do runs work as soon as there is room. The error is ErrBusy at once if too many
// wait, or the context's if it ends first; then work has not run.
func (g *gate) do(ctx context.Context, work func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g.places <- struct{}{}:
	default:
		return ErrBusy
	}
	defer func() { <-g.places }()
	select {
	case g.running <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.running }()
	work()
	return nil
}
