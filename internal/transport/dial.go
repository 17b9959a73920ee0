package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Protocol says by what a worker reaches its dispatcher.
type Protocol string

// The protocols. Measured, QUIC moves a quarter of what TLS over TCP does, at 3.8
// times the CPU; over 100 Mbit/s and 20 ms as much as TCP while nothing is lost, a
// fifth where one packet in 200 is (beside BBR), and only where one in 20 is do the
// slowest of short tasks gain, to a third (make bench-far). So Auto is TCP, and QUIC
// where TCP cannot connect.
const (
	Auto Protocol = "auto"
	TCP  Protocol = "tcp"
	QUIC Protocol = "quic"
)

// fallBack is how long Auto gives TCP to connect, and then QUIC to open a session.
const fallBack = 2 * time.Second

// Dial opens a session with the dispatcher at addr, as DialTCP and DialQUIC do.
func Dial(ctx context.Context, by Protocol, addr string, cfg Config) (Session, error) {
	return dialBy(ctx, by, addr, cfg, DialTCP, DialQUIC)
}

// opener opens a session, or what else a dispatcher's port is for.
type opener[T any] func(ctx context.Context, addr string, cfg Config) (T, error)

func dialBy[T any](ctx context.Context, by Protocol, addr string, cfg Config, tcp, quic opener[T]) (T, error) {
	switch by {
	case TCP:
		return tcp(ctx, addr, cfg)
	case QUIC:
		return quic(ctx, addr, cfg)
	default:
		return dialAuto(ctx, addr, cfg, tcp, quic)
	}
}

func dialAuto[T any](ctx context.Context, addr string, cfg Config, tcp, quic opener[T]) (none T, err error) {
	cfg.connectTimeout = fallBack
	byTCP, err := tcp(ctx, addr, cfg)
	if err == nil || !isUnconnected(err) || ctx.Err() != nil {
		return byTCP, err
	}
	soon, cancel := context.WithTimeout(ctx, fallBack)
	defer cancel()
	byQUIC, failed := quic(soon, addr, cfg)
	if failed != nil {
		return none, fmt.Errorf("%w; nor by QUIC: %w", err, reasonOf(failed))
	}
	return byQUIC, nil
}

// isUnconnected reports whether TCP did not get as far as a connection, though the
// address is known.
func isUnconnected(err error) bool {
	var op *net.OpError
	var unknown *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" && !errors.As(err, &unknown)
}

// reasonOf is what DialQUIC's error says besides the address.
func reasonOf(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
